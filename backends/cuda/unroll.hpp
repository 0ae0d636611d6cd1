#pragma once

/// Before a loop of constant length whose arrays are to live in registers, which have no index; and before one
/// that is to stay a loop.
#ifdef __CUDACC__
#define WEFT_UNROLL _Pragma("unroll")
#define WEFT_ROLLED _Pragma("unroll 1")
#else
#define WEFT_UNROLL
#define WEFT_ROLLED
#endif
