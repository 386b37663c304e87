// What cpu/vector/ is compiled for in this folder.
#pragma once

#define ATTUNE_ISA avx2
#define ATTUNE_LANES 8
