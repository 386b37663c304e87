// What cpu/vector/ is compiled for in this folder.
#pragma once

#define ATTUNE_ISA avx512vnni
#define ATTUNE_LANES 16
#define ATTUNE_DPBUSD "vpdpbusd"
