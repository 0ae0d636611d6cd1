#pragma once

// WEFT_FOR_EACH(macro, a, b, c) gives macro(a) macro(b) macro(c), for up to 256 arguments and none.
// The technique is David Mazieres', https://www.scs.stanford.edu/~dm/blog/va-opt.html

#define WEFT_PARENTHESES ()
#define WEFT_EXPAND(...) WEFT_EXPAND_4(WEFT_EXPAND_4(WEFT_EXPAND_4(WEFT_EXPAND_4(__VA_ARGS__))))
#define WEFT_EXPAND_4(...) WEFT_EXPAND_3(WEFT_EXPAND_3(WEFT_EXPAND_3(WEFT_EXPAND_3(__VA_ARGS__))))
#define WEFT_EXPAND_3(...) WEFT_EXPAND_2(WEFT_EXPAND_2(WEFT_EXPAND_2(WEFT_EXPAND_2(__VA_ARGS__))))
#define WEFT_EXPAND_2(...) WEFT_EXPAND_1(WEFT_EXPAND_1(WEFT_EXPAND_1(WEFT_EXPAND_1(__VA_ARGS__))))
#define WEFT_EXPAND_1(...) __VA_ARGS__

#define WEFT_FOR_EACH(macro, ...) __VA_OPT__(WEFT_EXPAND(WEFT_FOR_EACH_STEP(macro, __VA_ARGS__)))
#define WEFT_FOR_EACH_STEP(macro, first, ...) \
  macro(first) __VA_OPT__(WEFT_FOR_EACH_AGAIN WEFT_PARENTHESES(macro, __VA_ARGS__))
#define WEFT_FOR_EACH_AGAIN() WEFT_FOR_EACH_STEP
