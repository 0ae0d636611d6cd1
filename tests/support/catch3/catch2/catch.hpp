// Catch2 3 split version 2's single header; with this folder first on the path the tests compile with either.
#pragma once
#include <catch2/catch_all.hpp>
using Catch::Approx;  // NOLINT
