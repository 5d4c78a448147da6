// What the kernels compute on a processor that this machine is not: run by test_other_processors.py through an emulator.
// Elementary functions against long double, the pool of threads, recycled memory. Prints what fails; exit code 1 then.

#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

namespace {

int failures = 0;

template <class T>
double ulps(T found, long double exact) {
  if (std::isnan(exact)) return std::isnan(found) ? 0 : 1e9;
  T rounded = static_cast<T>(exact);
  if (std::isinf(rounded) || rounded == 0) return found == rounded ? 0 : 1e9;
  T unit = std::nextafter(std::fabs(rounded), std::numeric_limits<T>::infinity()) - std::fabs(rounded);
  return static_cast<double>(std::fabs(static_cast<long double>(found) - exact) / unit);
}

template <class T, class Ours, class Exact>
void check(const char* name, T low, T high, double allowed, Ours ours, Exact exact) {
  constexpr int count = 20000;
  std::vector<T> x(count), y(count);
  for (int i = 0; i < count; ++i) x[i] = low + (high - low) * static_cast<T>(i) / count;
  const T special[] = {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity(),
                       -std::numeric_limits<T>::infinity(), T(0), T(1e-30)};
  for (int i = 0; i < 5; ++i) x[i] = special[i];
  for (int i = 0; i < count; ++i) y[i] = ours(x[i]);
  double worst = 0;
  T at = 0;
  for (int i = 0; i < count; ++i) {
    double error = ulps(y[i], exact(static_cast<long double>(x[i])));
    if (error > worst) worst = error, at = x[i];
  }
  if (worst > allowed) {
    ++failures;
    std::printf("%s of %zu bytes: %.2f ulp at %g, allowed are %.2f\n", name, sizeof(T), worst, double(at), allowed);
  }
}

template <class T>
void functions() {
  namespace vmath = wengert::vmath;
  check<T>("exp", -80, 80, 1.5, [](T x) { return vmath::exp(x); }, [](long double x) { return expl(x); });
  check<T>("log", T(1e-3), 50, 1.5, [](T x) { return vmath::log(x); }, [](long double x) { return logl(x); });
  check<T>("tanh", -9, 9, 4, [](T x) { return vmath::tanh(x); }, [](long double x) { return tanhl(x); });
  check<T>("expm1", -9, 9, 4, [](T x) { return vmath::expm1(x); }, [](long double x) { return expm1l(x); });
  check<T>("log1p", T(-0.9), 9, 4, [](T x) { return vmath::log1p(x); }, [](long double x) { return log1pl(x); });
}

void threads() {
  wengert::pool().set_threads(3);
  std::vector<long> squares(1000);
  for (int turn = 0; turn < 50; ++turn) {
    wengert::parallel_for(1000, [&](wengert::Index i) { squares[i] += static_cast<long>(i) * i; });
  }
  for (long i = 0; i < 1000; ++i) {
    if (squares[i] != 50 * i * i) {
      ++failures;
      std::printf("parallel_for: piece %ld gave %ld\n", i, squares[i]);
      return;
    }
  }
}

void memory() {
  auto& recycler = wengert::recycler();
  void* first = recycler.allocate(1000000);
  recycler.release(first);
  void* again = recycler.allocate(1000000);
  if (again != first || reinterpret_cast<std::size_t>(again) % 64 != 0) {
    ++failures;
    std::printf("recycler: memory is not used again, or not aligned\n");
  }
  recycler.release(again);
}

}  // namespace

int main() {
  functions<float>();
  functions<double>();
  threads();
  memory();
  return failures == 0 ? 0 : 1;
}
