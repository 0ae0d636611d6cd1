#include <cmath>

#include <weft/tests/backends/attention_check.hpp>

using namespace weft;
using namespace weft::test;

TEST_CASE("attention: the reference's gradient equals finite differences", "[attention]") {
  AttentionCase c = sized(2, 3, 5, 4, 2, 3, 2);
  c.null_slot = GENERATE(false, true);
  c.soft_cap = GENERATE(0.0, 1.3);
  c.dropout_rate = GENERATE(0.0, 0.3);
  c.fully_masked = GENERATE(FullyMasked::zero, FullyMasked::uniform);
  c.bias_axes = GENERATE(15, 6);
  c.mask_axes = 15;
  c.masked_share = 0.5;
  c.query_lengths = {3, 2};
  c.all_cotangents = true;
  AttentionProblem<double> problem(c);
  auto loss = [&] {
    reference_attention_forward(problem.args());
    double sum = 0;
    for (size_t i = 0; i < problem.out.size(); ++i) sum += problem.out[i] * problem.d_out[i];
    for (size_t i = 0; i < problem.weights.size(); ++i) sum += problem.weights[i] * problem.d_weights[i];
    for (size_t i = 0; i < problem.logsumexp.size(); ++i)
      if (std::isfinite(problem.logsumexp[i])) sum += problem.logsumexp[i] * problem.d_logsumexp[i];
    return sum;
  };
  run_reference(problem);
  auto gradients = problem.gradients();
  auto inputs = problem.inputs();
  for (size_t n = 0; n < inputs.size(); ++n) {
    INFO(inputs[n].name);
    std::vector<double> analytic = *gradients[n].data;
    for (size_t i = 0; i < analytic.size(); ++i) {
      double& x = (*inputs[n].data)[i];
      const double before = x, step = 1e-5;
      x = before + step;
      double above = loss();
      x = before - step;
      double below = loss();
      x = before;
      REQUIRE(analytic[i] == Approx((above - below) / (2 * step)).epsilon(1e-6).margin(1e-7));
    }
  }
}
