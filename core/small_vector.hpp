#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace weft {

/// A vector whose first N elements live in the object itself.
template <class T, size_t N> class SmallVector {
  static_assert(std::is_nothrow_move_constructible_v<T> && alignof(T) <= alignof(std::max_align_t));

 public:
  using value_type = T;
  using iterator = T*;
  using const_iterator = const T*;

  SmallVector() = default;
  explicit SmallVector(size_t size) { resize(size); }
  SmallVector(size_t size, const T& value) {
    reserve(size);
    for (size_t i = 0; i < size; ++i) push_back(value);
  }
  SmallVector(std::initializer_list<T> values) : SmallVector(values.begin(), values.end()) {}
  template <std::forward_iterator I> SmallVector(I first, I last) {
    reserve(static_cast<size_t>(std::distance(first, last)));
    for (; first != last; ++first) emplace_back(*first);
  }
  SmallVector(const SmallVector& other) : SmallVector(other.begin(), other.end()) {}
  SmallVector(SmallVector&& other) noexcept { take(other); }
  SmallVector& operator=(const SmallVector& other) {
    if (this != &other) *this = SmallVector(other);
    return *this;
  }
  SmallVector& operator=(SmallVector&& other) noexcept {
    if (this == &other) return *this;
    free_all();
    take(other);
    return *this;
  }
  ~SmallVector() { free_all(); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t capacity() const { return capacity_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T& front() { return data_[0]; }
  const T& front() const { return data_[0]; }
  T& back() { return data_[size_ - 1]; }
  const T& back() const { return data_[size_ - 1]; }

  void reserve(size_t capacity) {
    if (capacity > capacity_) grow(capacity);
  }
  template <class... Arguments> T& emplace_back(Arguments&&... arguments) {
    if (size_ < capacity_) return *std::construct_at(data_ + size_++, std::forward<Arguments>(arguments)...);
    T value(std::forward<Arguments>(arguments)...);  // an argument may be an element, which moves away
    grow(2 * size_t{capacity_});
    return *std::construct_at(data_ + size_++, std::move(value));
  }
  void push_back(const T& value) { emplace_back(value); }
  void push_back(T&& value) { emplace_back(std::move(value)); }
  void pop_back() { std::destroy_at(data_ + --size_); }
  void resize(size_t size) {
    reserve(size);
    while (size_ > size) pop_back();
    while (size_ < size) std::construct_at(data_ + size_++);
  }
  void clear() {
    std::destroy(begin(), end());
    size_ = 0;
  }

  friend bool operator==(const SmallVector& a, const SmallVector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  T* inline_data() { return std::launder(reinterpret_cast<T*>(inline_)); }
  bool is_inline() const { return static_cast<const void*>(data_) == static_cast<const void*>(inline_); }

  void grow(size_t capacity) {
    T* fresh = static_cast<T*>(::operator new(capacity * sizeof(T)));
    std::uninitialized_move(begin(), end(), fresh);
    std::destroy(begin(), end());
    if (!is_inline()) ::operator delete(data_);
    data_ = fresh;
    capacity_ = static_cast<uint32_t>(capacity);
  }
  /// Into an object without elements of its own.
  void take(SmallVector& other) {
    if (other.is_inline()) {
      data_ = inline_data();
      std::uninitialized_move(other.begin(), other.end(), data_);
      size_ = other.size_;
      capacity_ = N;
      other.clear();
      return;
    }
    data_ = std::exchange(other.data_, other.inline_data());
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, N);
  }
  void free_all() {
    std::destroy(begin(), end());
    if (!is_inline()) ::operator delete(data_);
  }

  T* data_ = inline_data();
  uint32_t size_ = 0, capacity_ = N;
  alignas(T) std::byte inline_[N * sizeof(T)];
};

}  // namespace weft
