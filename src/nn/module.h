// Modules: named children and parameters. The path of a parameter is its key in a Hugging Face checkpoint.
// Modules are registered by address in their parent's constructor, so they never move.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ops/tape.h"

namespace attune {

/// One trainable or frozen tensor. Its memory is made when weights are loaded or initialised, so a model can be counted from its
/// configuration alone.
struct Parameter {
  Parameter() = default;
  explicit Parameter(Shape s) : shape(std::move(s)) {}
  Shape shape;
  Var var;               ///< data; grad is non-null exactly while the parameter is trainable
  bool is_norm = false;     ///< of a LayerNorm: no weight decay
  bool transposed = false;  ///< checkpoints hold the matrix as [in, out] (GPT-2's Conv1D); here it is [out, in] like all others
  float initial_scale = 1.0f;  ///< of the standard deviation new values are drawn with
  bool loaded() const { return !var.data.empty(); }
  bool trainable = false;
  int64_t size() const { return count(shape); }
};

enum class ModuleKind { kContainer, kLinear, kEmbedding, kLayerNorm };
const char* name_of(ModuleKind k);

class Module {
 public:
  explicit Module(ModuleKind kind = ModuleKind::kContainer) : kind_(kind) {}
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  ModuleKind kind() const { return kind_; }
  const std::string& path() const { return path_; }  ///< set by assign_paths
  const std::vector<std::pair<std::string, Module*>>& children() const { return children_; }
  const std::vector<std::pair<std::string, Parameter*>>& parameters() const { return parameters_; }

 protected:
  /// An empty name puts the child's own children at this level.
  void add(std::string name, Module& child) { children_.emplace_back(std::move(name), &child); }
  void add(std::string name, Parameter& p) { parameters_.emplace_back(std::move(name), &p); }
  /// Called with the final path, for what hangs on it (dropout keys).
  virtual void named() {}
  friend void assign_paths(Module& root, const std::string& path);

 private:
  ModuleKind kind_;
  std::string path_;
  std::vector<std::pair<std::string, Module*>> children_;
  std::vector<std::pair<std::string, Parameter*>> parameters_;
};

void assign_paths(Module& root, const std::string& path = "");
/// Depth first, parents before children, in order of registration; containers without a name of their own are skipped.
void for_each_module(Module& root, const std::function<void(Module&)>& visit);
struct NamedParameter {
  std::string name;
  Parameter* parameter;
  Module* owner;
};
std::vector<NamedParameter> named_parameters(Module& root);

/// The shape a checkpoint has it in.
Shape checkpoint_shape(const Parameter& p);
/// Values as a checkpoint holds them from values as they are here, and back: transposed where the parameter is, else the same tensor.
Tensor checkpoint_form(const Parameter& p, const Tensor& values);

/// Makes it trainable (with a zero gradient, once it is loaded) or frozen (gradient gone).
void set_trainable(Parameter& p, bool on);

}  // namespace attune
