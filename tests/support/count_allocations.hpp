#pragma once

#include <cstdint>

/// Calls of operator new in this program so far, on all threads.
int64_t allocations();
