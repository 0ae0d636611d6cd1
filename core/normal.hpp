#pragma once

namespace weft {

/// P(Z <= x) for a standard normal Z.
double normal_cdf(double x);

/// The x with normal_cdf(x) = p, for p in (0, 1), to about 16 digits: Wichura, "Algorithm AS 241: The percentage points
/// of the normal distribution", Applied Statistics 37 (1988), PPND16.
double normal_quantile(double p);

}  // namespace weft
