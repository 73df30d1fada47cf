// SPDX-License-Identifier: BSD-3-Clause
// Changes messages field by field, by protobuf's reflection: octets that are changed blindly are
// mostly no message any more, since each part says how long it is. (libprotobuf-mutator does more
// of this; Debian 12 has none.)
#pragma once

#include <google/protobuf/message.h>

#include <random>
#include <string>
#include <vector>

namespace dam::fuzz {

class MessageMutator {
 public:
  // What a text may become beside what it is.
  MessageMutator(unsigned seed, std::vector<std::string> words)
      : random_(seed), words_(std::move(words)) {}

  // One small change somewhere in it.
  void mutate(google::protobuf::Message& message);
  size_t below(size_t bound) { return bound == 0 ? 0 : random_() % bound; }

 private:
  using Message = google::protobuf::Message;
  using Field = google::protobuf::FieldDescriptor;

  bool mutate_deeper(Message& message);
  void mutate_repeated(Message& message, const Field* field);
  void set(Message& message, const Field* field);
  void add(Message& message, const Field* field);
  uint64_t number();
  double real();
  std::string text(const std::string& before, bool octets);

  std::minstd_rand random_;
  std::vector<std::string> words_;
};

inline uint64_t MessageMutator::number() {
  static constexpr uint64_t kEdges[] = {0,   1,    2,    31,   32,   33,    63,   64,
                                        65,  90,   96,   127,  128,  129,   255,  256,
                                        443, 1023, 1024, 1500, 1600, 65535, 65536};
  switch (below(4)) {
    case 0:
      return kEdges[below(std::size(kEdges))];
    case 1:
      return uint64_t{1} << below(64);
    case 2:
      return (uint64_t{1} << below(64)) - 1;
    default:
      return uint64_t{random_()} << 32 | random_();
  }
}

inline double MessageMutator::real() {
  static constexpr double kEdges[] = {0, -1, 0.0005, 0.001, 1, 10, 1e12, 1e13, 1e300};
  if (below(8) == 0) return std::numeric_limits<double>::quiet_NaN();
  if (below(8) == 0) return std::numeric_limits<double>::infinity();
  return kEdges[below(std::size(kEdges))];
}

inline std::string MessageMutator::text(const std::string& before, bool octets) {
  std::string value = before;
  switch (below(5)) {
    case 0:
      return words_[below(words_.size())];
    case 1:
      return octets ? std::string(below(2) == 0 ? 4 : 16, static_cast<char>(below(256))) : "";
    case 2:
      value.insert(below(value.size() + 1), octets ? "\xff" : below(2) == 0 ? "*" : "\xc3\xa4");
      return value;
    case 3:
      return value + value;
    default:
      if (value.empty()) return "x";
      value[below(value.size())] = static_cast<char>(octets ? below(256) : 32 + below(95));
      return value;
  }
}

inline void MessageMutator::set(Message& message, const Field* field) {
  const auto* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case Field::CPPTYPE_UINT32:
      return reflection->SetUInt32(&message, field, static_cast<uint32_t>(number()));
    case Field::CPPTYPE_UINT64:
      return reflection->SetUInt64(&message, field, number());
    case Field::CPPTYPE_DOUBLE:
      return reflection->SetDouble(&message, field, real());
    case Field::CPPTYPE_BOOL:
      return reflection->SetBool(&message, field, below(2) == 0);
    case Field::CPPTYPE_ENUM:
      return reflection->SetEnumValue(&message, field, static_cast<int>(below(6)));
    case Field::CPPTYPE_STRING:
      return reflection->SetString(
          &message, field,
          text(reflection->GetString(message, field), field->type() == Field::TYPE_BYTES));
    case Field::CPPTYPE_MESSAGE:
      return mutate(*reflection->MutableMessage(&message, field));
    default:
      return;
  }
}

inline void MessageMutator::add(Message& message, const Field* field) {
  const auto* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case Field::CPPTYPE_UINT64:
      return reflection->AddUInt64(&message, field, number());
    case Field::CPPTYPE_STRING:
      return reflection->AddString(&message, field, text("", field->type() == Field::TYPE_BYTES));
    case Field::CPPTYPE_MESSAGE: {
      const int count = reflection->FieldSize(message, field);
      Message& fresh = *reflection->AddMessage(&message, field);
      if (count == 0) return mutate(fresh);
      const auto one = static_cast<int>(below(static_cast<size_t>(count)));
      fresh.CopyFrom(reflection->GetRepeatedMessage(message, field, one));
      return below(2) == 0 ? void() : mutate(fresh);
    }
    default:
      return;
  }
}

inline void MessageMutator::mutate_repeated(Message& message, const Field* field) {
  const auto* reflection = message.GetReflection();
  const int count = reflection->FieldSize(message, field);
  if (count == 0 || below(3) == 0) return add(message, field);
  const auto one = static_cast<int>(below(static_cast<size_t>(count)));
  if (below(3) == 0) {
    reflection->SwapElements(&message, field, one, count - 1);
    return reflection->RemoveLast(&message, field);
  }
  if (field->cpp_type() == Field::CPPTYPE_MESSAGE) {
    return mutate(*reflection->MutableRepeatedMessage(&message, field, one));
  }
  if (field->cpp_type() == Field::CPPTYPE_STRING) {
    const std::string before = reflection->GetRepeatedString(message, field, one);
    reflection->SetRepeatedString(&message, field, one,
                                  text(before, field->type() == Field::TYPE_BYTES));
  }
}

// Into one of the messages that are there, so that deep ones change as often as others.
inline bool MessageMutator::mutate_deeper(Message& message) {
  const auto* reflection = message.GetReflection();
  std::vector<const Field*> present;
  reflection->ListFields(message, &present);
  std::erase_if(present, [](const Field* f) { return f->cpp_type() != Field::CPPTYPE_MESSAGE; });
  if (present.empty()) return false;
  const Field* field = present[below(present.size())];
  if (field->is_repeated()) {
    mutate_repeated(message, field);
  } else {
    mutate(*reflection->MutableMessage(&message, field));
  }
  return true;
}

inline void MessageMutator::mutate(Message& message) {
  const auto* descriptor = message.GetDescriptor();
  if (descriptor->field_count() == 0) return;
  if (below(4) != 0 && mutate_deeper(message)) return;
  const Field* field =
      descriptor->field(static_cast<int>(below(static_cast<size_t>(descriptor->field_count()))));
  if (field->is_repeated()) return mutate_repeated(message, field);
  if (below(6) == 0) return message.GetReflection()->ClearField(&message, field);
  set(message, field);
}

}  // namespace dam::fuzz
