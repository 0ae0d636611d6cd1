#pragma once

/// Before a loop of constant length whose arrays are to live in registers, which have no index; before one that is to
/// stay a loop; and before one that reads memory, so that several reads are under way at a time.
#ifdef __CUDACC__
#define WEFT_UNROLL _Pragma("unroll")
#define WEFT_ROLLED _Pragma("unroll 1")
#define WEFT_UNROLL_SOME _Pragma("unroll 8")
#else
#define WEFT_UNROLL
#define WEFT_ROLLED
#define WEFT_UNROLL_SOME
#endif
