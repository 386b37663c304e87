// What cpu/vector/ is compiled for in this folder.
#pragma once

#define ATTUNE_ISA avx2vnni
#define ATTUNE_LANES 8
#define ATTUNE_DPBUSD "%{vex%} vpdpbusd"
