// What a training changes, in one piece and in its checkpoints.
#pragma once

#include <algorithm>
#include <vector>

#include "io/safetensors.h"
#include "train/loop.h"

namespace attune {

/// All trained values, one after another, in the job's order.
inline std::vector<float> trained_values(const FitJob& job) {
  std::vector<float> all;
  for (const auto& p : job.parameters) all.insert(all.end(), p.parameter->var.data.span().begin(), p.parameter->var.data.span().end());
  return all;
}

/// Checkpoints of the job hold them and put them back. `job` stays where it is.
inline void keep_trained_values(FitJob& job) {
  job.add_model = [&job](CheckpointContent& content) {
    for (const auto& p : job.parameters) content.tensors["trained.safetensors"][p.name] = p.parameter->var.data;
  };
  job.load_model = [&job](const fs::path& checkpoint) {
    const SafetensorsFile file(checkpoint / "trained.safetensors");
    for (const auto& p : job.parameters) {
      const Tensor t = file.read_f32(p.name);
      std::copy(t.span().begin(), t.span().end(), p.parameter->var.data.span().begin());
    }
  };
}

}  // namespace attune
