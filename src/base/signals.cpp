#include "base/signals.h"

#include <unistd.h>

#include <csignal>

#include "base/error.h"

namespace attune {
namespace {

volatile std::sig_atomic_t g_pending = 0;

extern "C" void on_signal(int signal) {
  if (g_pending != 0 && signal == SIGINT) ::_exit(128 + SIGINT);  // the user insists; the disk is consistent at any moment
  if (g_pending == 0) g_pending = signal;
}

}  // namespace

void install_signal_handlers() {
  struct sigaction a {};
  a.sa_handler = on_signal;
  a.sa_flags = SA_RESTART;
  sigemptyset(&a.sa_mask);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    sigaction(s, nullptr, &old);
    if (s == SIGHUP && old.sa_handler == SIG_IGN) continue;  // nohup
    sigaction(s, &a, nullptr);
  }
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

int pending_signal() { return g_pending; }

void throw_if_interrupted() {
  if (g_pending != 0) throw Interrupted(g_pending);
}

}  // namespace attune
