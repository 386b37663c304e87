// SIGINT, SIGTERM and SIGHUP become a flag that the training loop reads between micro-steps; a second SIGINT leaves at once.
#pragma once

namespace attune {

/// Installs the handlers (and ignores SIGPIPE, so that a closed stdout is no crash).
void install_signal_handlers();
/// The first signal received, or 0.
int pending_signal();
/// Throws Interrupted when a signal is pending. Call only where nothing is half done.
void throw_if_interrupted();

}  // namespace attune
