// SPDX-License-Identifier: BSD-3-Clause
// The database's connection: for behaviour_*.cc alone.
#pragma once

#include <pqxx/pqxx>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "controlplane/lookalikes/behaviour_database.h"
#include "controlplane/lookalikes/database_words.h"

namespace dam::control {

struct BehaviourDatabase::Link {
  // Keywords of ours, and the file's.
  Link(const std::string& ours, const std::string& keywords)
      : secrets(secrets_in(keywords)),
        connection(told([&] { return pqxx::connection(ours + keywords); })) {}

  // A transaction of its own.
  template <class Deed>
  auto work(Deed deed) {
    return told([&] {
      pqxx::work work(connection);
      if constexpr (std::is_void_v<std::invoke_result_t<Deed, pqxx::work&>>) {
        deed(work);
        work.commit();
      } else {
        auto result = deed(work);
        work.commit();
        return result;
      }
    });
  }

 private:
  template <class Deed>
  std::invoke_result_t<Deed> told(Deed deed) {
    try {
      return deed();
    } catch (const std::exception& error) {
      throw std::runtime_error(without_secrets(error.what(), secrets));
    }
  }
  std::vector<std::string> secrets;
  pqxx::connection connection;
};

inline std::string sql_moment(int64_t unix_s) {
  return "to_timestamp(" + std::to_string(unix_s) + ")";
}

inline std::string sql_text(const Network& source) { return "'" + source.masked().text() + "'"; }

}  // namespace dam::control
