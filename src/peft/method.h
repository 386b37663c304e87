// A way to fine-tune: which tensors of a model train, what is added to it, what is saved of it. One file a method, one line in the
// registry; shared code never asks which method it serves. Order of use: make_method, apply, then initialize (a new adapter) or
// load_adapter (a saved one); weights may be loaded into the model before or after apply. The model must outlive the method.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "nn/backbone.h"
#include "peft/adapter_config.h"
#include "peft/counts.h"

namespace attune {

/// What a method is told.
struct PeftSetup {
  AdapterConfig adapter;                              ///< options, and for adapters what goes into adapter_config.json beside them
  Origin origin;                                      ///< of the options
  bool loaded = false;                                ///< the options come from an adapter folder
  std::vector<std::string> default_targets;           ///< of the architecture
  std::map<std::string, std::string> target_aliases;  ///< of the architecture
  /// Parameters the base's files lack, so that their values are random (LoadReport::missing). They are trained and saved, or refused:
  /// an adapter over random frozen weights could not be loaded again.
  std::vector<std::string> newly_initialized;
  bool inference = false;  ///< nothing trains; no memory for gradients
};

class PeftMethod {
 public:
  explicit PeftMethod(PeftSetup setup) : setup_(std::move(setup)) {}
  virtual ~PeftMethod() = default;
  PeftMethod(const PeftMethod&) = delete;
  PeftMethod& operator=(const PeftMethod&) = delete;

  /// Chooses what trains and adds the method's layers to the model. Once.
  void apply(Model& model);
  /// Starting values of the method's own tensors; they depend on the seed and the names only.
  virtual void initialize(uint64_t seed);
  /// Every tensor that training changes, under its name in checkpoints of a run, in the order of the model.
  const std::vector<NamedParameter>& trainable() const { return trainable_; }
  ParameterCounts counts() const;
  /// For people: choices made on the way (aliases, corrected options).
  const std::vector<std::string>& notes() const { return notes_; }

  /// True: what is saved is an adapter. False: the whole model is.
  virtual bool makes_adapter() const { return false; }
  /// The adapter's tensors under PEFT's keys, and its adapter_config.json. Bug unless makes_adapter().
  virtual TensorMap adapter_tensors() const;
  virtual Json adapter_json() const;
  /// Takes over an adapter's tensors as stored; `where` is the file. Error(kInput) "adapter.keys" lists every missing, unexpected,
  /// misshapen and mistyped tensor; nothing has changed then.
  virtual void load_adapter(const TensorMap& tensors, const std::string& where);
  /// The model with the adapter worked into it, under checkpoint keys; shares what did not change. Error(kNumerical)
  /// "peft.merge_not_finite" lists the weights that would hold NaN or infinity.
  virtual TensorMap merged(const Context& ctx) const;

 protected:
  enum class Part { kAdapter, kHead, kBase };
  virtual void choose() = 0;
  /// Marks a parameter as trained; once each.
  void train(const NamedParameter& p, Part part);
  bool trains(const Parameter* p) const;
  void say(std::string text) { notes_.push_back(std::move(text)); }
  Model& model() const { return *model_; }
  const PeftSetup& setup() const { return setup_; }
  const PeftConfig& options() const { return setup_.adapter.options; }
  /// Parameters beside the model's own (for `all`).
  virtual int64_t added_parameters() const { return 0; }

 private:
  PeftSetup setup_;
  Model* model_ = nullptr;
  std::vector<NamedParameter> trainable_;
  std::vector<Part> parts_;
  std::vector<std::string> notes_;
};

/// One line of the registry.
struct MethodEntry {
  const char* name;
  const char* help;
  std::unique_ptr<PeftMethod> (*make)(PeftSetup);
  const char* peft_type = "";  ///< of adapter_config.json; "": makes no adapter
  /// Reads and checks the method's own keys of adapter_config.json.
  void (*read)(AdapterFields&, PeftConfig&) = nullptr;
  /// The method's own keys of adapter_config.json.
  Json (*write)(const PeftConfig&) = nullptr;
};
const std::vector<MethodEntry>& peft_methods();
/// Error(kUsage) "peft.method" lists the known methods.
std::unique_ptr<PeftMethod> make_method(PeftSetup setup);

}  // namespace attune
