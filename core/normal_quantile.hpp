#pragma once

namespace weft {

/// x with P(standard normal < x) = p, for 0 < p < 1, to about 1e-15 (Wichura, algorithm AS 241, 1988). Built from
/// + - * / and square roots, so that it has the same bits everywhere.
double normal_quantile(double p);

/// P(standard normal < x), the inverse of normal_quantile.
double normal_probability(double x);

}  // namespace weft
