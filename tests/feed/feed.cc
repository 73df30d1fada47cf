// SPDX-License-Identifier: BSD-3-Clause
// dam-feed SOCKET FILE…: sends a Hello, then each file's Request (protobuf text format, in which
// ip"198.18.0.1" stands for the address's bytes), and prints the replies. Exit 0: all were
// accepted.
#include <arpa/inet.h>
#include <google/protobuf/text_format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <regex>
#include <sstream>
#include <string>

#include "dataplane/ipc/dam.pb.h"
#include "dataplane/ipc/framing.h"

namespace {

std::string escaped_address(const std::string& text) {
  unsigned char bytes[16];
  const int family = text.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (inet_pton(family, text.c_str(), bytes) != 1) {
    std::cerr << text << " is no address.\n";
    std::exit(2);
  }
  std::string escaped = "\"";
  for (int i = 0; i < (family == AF_INET ? 4 : 16); ++i) {
    char octal[8];
    std::snprintf(octal, sizeof octal, "\\%03o", bytes[i]);
    escaped += octal;
  }
  return escaped + '"';
}

std::string read_text(const char* path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  static const std::regex address("ip\"([^\"]*)\"");
  std::string result;
  auto last = text.cbegin();
  for (std::sregex_iterator it(text.begin(), text.end(), address), end; it != end; ++it) {
    result.append(last, text.cbegin() + it->position());
    result += escaped_address((*it)[1]);
    last = text.cbegin() + it->position() + it->length();
  }
  return result.append(last, text.cend());
}

int connect_to(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  std::perror(path);
  std::exit(2);
}

bool read_all(int fd, char* data, size_t bytes) {
  for (size_t got = 0; got < bytes;) {
    const ssize_t n = read(fd, data + got, bytes - got);
    if (n <= 0) return false;
    got += static_cast<size_t>(n);
  }
  return true;
}

bool ask(int fd, const dam::v1::Request& request) {
  const std::string body = request.SerializeAsString();
  const auto length = dam::put_length(static_cast<uint32_t>(body.size()));
  const std::string whole = std::string(length.data(), length.size()) + body;
  if (write(fd, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) return false;
  char head[dam::kLengthBytes];
  if (!read_all(fd, head, sizeof head)) return false;
  std::string answer(dam::get_length(head), '\0');
  dam::v1::Reply reply;
  if (!read_all(fd, answer.data(), answer.size()) || !reply.ParseFromString(answer)) return false;
  std::cout << reply.ShortDebugString() << '\n';
  return reply.ok();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: dam-feed SOCKET FILE...\n";
    return 2;
  }
  const int fd = connect_to(argv[1]);
  dam::v1::Request hello;
  hello.mutable_hello()->set_protocol_version(dam::kProtocolVersion);
  bool accepted = ask(fd, hello);
  for (int i = 2; i < argc && accepted; ++i) {
    dam::v1::Request request;
    if (!google::protobuf::TextFormat::ParseFromString(read_text(argv[i]), &request)) return 2;
    accepted = ask(fd, request);
  }
  close(fd);
  return accepted ? 0 : 1;
}
