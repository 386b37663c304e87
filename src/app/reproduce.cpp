#include "app/reproduce.h"

namespace attune {

std::string shell_word(const std::string& text) {
  if (!text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+=,:@%") == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string reproducing_command(const RunConfig& config) {
  fs::path folder = fs::path(config.output_dir).lexically_normal();
  if (folder.filename().empty()) folder = folder.parent_path();
  std::string command = "attune train " + shell_word((folder / "config.yaml").string()) + " --output-dir " + shell_word(folder.string() + "-again");
  if (config.overwrite) command += " --no-overwrite";
  if (config.resume) command += " --no-resume";
  if (!config.resume_from_checkpoint.empty()) command += " --resume-from-checkpoint ''";
  return command;
}

}  // namespace attune
