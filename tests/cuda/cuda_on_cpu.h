// The part of CUDA C++ that vlnn's kernels use, for a compiler of plain C++: one block runs after the other, and its
// threads one after the other, each on a stack of its own where the block has barriers.
#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

using std::abs;
using std::ceil;
using std::copysign;
using std::exp;
using std::floor;
using std::fmax;
using std::fmin;
using std::log;
using std::pow;
using std::round;
using std::sqrt;
using std::trunc;

#define __global__
#define __device__
#define __restrict__ __restrict
#define __shared__ static

struct Place {
  unsigned x, y, z;
};
static Place threadIdx, blockIdx, blockDim, gridDim;

static inline double __longlong_as_double(long long bits) {
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

static inline double __dadd_rn(double a, double b) { return a + b; }
static inline double __dmul_rn(double a, double b) { return a * b; }

template <typename T>
static inline T atomicAdd(T* place, T value) {
  const T before = *place;
  *place += value;
  return before;
}

namespace emulation {

struct Barrier {};  // thrown where a thread without a stack of its own has to wait

enum State { READY, WAITING, DONE };

struct Thread {
  ucontext_t start;
  jmp_buf barrier;  // where it goes on; jumps cost less than changes of context
  Place index;
  State state;
  std::vector<char> stack;
};

static std::vector<Thread> threads;
static jmp_buf scheduler;
static size_t current;
static bool on_stacks = false;
static const std::function<void()>* body;

static inline void run_thread() {
  (*body)();
  threads[current].state = DONE;
  _longjmp(scheduler, 1);
}

static inline void wait() {
  if (!on_stacks) throw Barrier();
  threads[current].state = WAITING;
  if (_setjmp(threads[current].barrier) == 0) _longjmp(scheduler, 1);
}

template <typename Work>
static void each_thread(Work work) {
  for (unsigned z = 0; z < blockDim.z; ++z)
    for (unsigned y = 0; y < blockDim.y; ++y)
      for (unsigned x = 0; x < blockDim.x; ++x) work(Place{x, y, z});
}

// Every thread up to its next barrier, in turn; all of them have to meet at it.
static void run_block_on_stacks() {
  on_stacks = true;
  static size_t count;
  count = 0;
  each_thread([](Place index) {
    if (threads.size() == count) threads.emplace_back();
    Thread& thread = threads[count++];
    thread.index = index;
    thread.state = READY;
    thread.stack.resize(64 * 1024);
  });
  for (size_t i = 0; i < count; ++i) {
    ucontext_t& start = threads[i].start;
    getcontext(&start);
    start.uc_stack.ss_sp = threads[i].stack.data();
    start.uc_stack.ss_size = threads[i].stack.size();
    start.uc_link = nullptr;
    makecontext(&start, run_thread, 0);
  }
  for (;;) {
    static size_t waiting;  // the jumps would forget it
    waiting = 0;
    for (current = 0; current < count; ++current) {
      Thread& thread = threads[current];
      threadIdx = thread.index;
      if (_setjmp(scheduler) == 0) {
        if (thread.state == READY) setcontext(&thread.start);
        _longjmp(thread.barrier, 1);
      }
      waiting += threads[current].state == WAITING;
    }
    if (waiting == 0) break;
    if (waiting != count) {
      std::fprintf(stderr, "%zu of %zu threads came to a barrier, the others ended\n", waiting, count);
      std::abort();
    }
  }
  on_stacks = false;
}

// Kernels write nothing before their first barrier, so that a block may begin again when it comes to one.
static void launch(const std::function<void()>& kernel, const unsigned* grid, const unsigned* block) {
  gridDim = {grid[0], grid[1], grid[2]};
  blockDim = {block[0], block[1], block[2]};
  body = &kernel;
  bool barriers = false;
  for (unsigned z = 0; z < gridDim.z; ++z)
    for (unsigned y = 0; y < gridDim.y; ++y)
      for (unsigned x = 0; x < gridDim.x; ++x) {
        blockIdx = {x, y, z};
        if (!barriers) {
          try {
            each_thread([&](Place index) {
              threadIdx = index;
              kernel();
            });
            continue;
          } catch (Barrier) {
            barriers = true;
          }
        }
        run_block_on_stacks();
      }
}

}  // namespace emulation

static inline void __syncthreads() { emulation::wait(); }
