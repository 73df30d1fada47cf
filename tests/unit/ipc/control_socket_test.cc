// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/control_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

#include "dataplane/ipc/framing.h"
#include "tests/unit/ipc/temporary_directory.h"

#include <grp.h>

namespace dam {
namespace {

// The other end, non-blocking: the server runs in this very thread.
class Client {
 public:
  explicit Client(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send_bytes(const std::string& bytes) {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT),
              static_cast<ssize_t>(bytes.size()));
  }
  std::optional<v1::Reply> reply() {
    char head[kLengthBytes];
    if (recv(fd_, head, sizeof head, MSG_DONTWAIT) != sizeof head) return std::nullopt;
    std::string body(get_length(head), '\0');
    v1::Reply result;
    const ssize_t got = recv(fd_, body.data(), body.size(), MSG_DONTWAIT);
    EXPECT_EQ(got, static_cast<ssize_t>(body.size()));
    EXPECT_TRUE(result.ParseFromString(body));
    return result;
  }
  bool closed_by_server() {
    char byte;
    return recv(fd_, &byte, 1, MSG_DONTWAIT) == 0;
  }

 private:
  int fd_;
};

std::string framed(const std::string& body) {
  const auto length = put_length(static_cast<uint32_t>(body.size()));
  return std::string(length.data(), length.size()) + body;
}

std::string hello(uint32_t version) {
  v1::Request request;
  request.mutable_hello()->set_protocol_version(version);
  return framed(request.SerializeAsString());
}

class ControlSocketTest : public ::testing::Test {
 protected:
  void serve(int rounds = 4) {
    for (int i = 0; i < rounds; ++i) {
      socket_.serve(std::chrono::milliseconds(0), [this](const v1::Request& request) {
        ++handled_;
        v1::Reply reply;
        reply.set_ok(true);
        reply.mutable_hello()->set_protocol_version(request.hello().protocol_version());
        return reply;
      });
    }
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.file("socket");
  ControlSocket socket_{path_};
  int handled_ = 0;
};

TEST_F(ControlSocketTest, answers_requests_in_order) {
  Client client(path_);
  client.send_bytes(hello(1) + hello(2));
  serve();
  EXPECT_EQ(client.reply()->hello().protocol_version(), 1u);
  EXPECT_EQ(client.reply()->hello().protocol_version(), 2u);
  EXPECT_EQ(handled_, 2);
}

TEST_F(ControlSocketTest, may_be_used_by_its_owner_alone) {
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(ControlSocketTest, waits_for_the_rest_of_a_message_byte_by_byte) {
  Client client(path_);
  const std::string message = hello(3);
  for (const char byte : message) {
    EXPECT_FALSE(client.reply().has_value());
    client.send_bytes(std::string(1, byte));
    serve();
  }
  EXPECT_EQ(client.reply()->hello().protocol_version(), 3u);
}

TEST_F(ControlSocketTest, half_a_message_of_one_client_is_not_the_next_ones) {
  {
    Client client(path_);
    client.send_bytes(hello(1).substr(0, 3));
    serve();
    EXPECT_TRUE(socket_.connected());
  }
  serve();
  EXPECT_FALSE(socket_.connected());
  Client next(path_);
  next.send_bytes(hello(2));
  serve();
  EXPECT_EQ(next.reply()->hello().protocol_version(), 2u);
}

TEST_F(ControlSocketTest, refuses_a_length_over_the_bound_at_once) {
  for (const uint32_t bytes : {kMaxMessageBytes + 1, 0xffffffffu}) {
    Client client(path_);
    const auto length = put_length(bytes);
    client.send_bytes(std::string(length.data(), length.size()));
    serve();
    const auto reply = client.reply();
    ASSERT_TRUE(reply.has_value());
    EXPECT_FALSE(reply->ok());
    EXPECT_EQ(reply->errors(0), "A request of " + std::to_string(bytes) +
                                    " bytes is longer than the bound of 117440512.");
    EXPECT_TRUE(client.closed_by_server());
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(ControlSocketTest, a_length_alone_takes_no_memory) {
  Client client(path_);
  const auto length = put_length(kMaxMessageBytes);
  client.send_bytes(std::string(length.data(), length.size()) + "only this");
  serve();
  EXPECT_FALSE(client.reply().has_value());  // waits, holding what has come
  EXPECT_TRUE(socket_.connected());
}

TEST_F(ControlSocketTest, refuses_what_is_no_message) {
  Client client(path_);
  client.send_bytes(framed("\xff\xff\xff\xff not protobuf"));
  serve();
  EXPECT_EQ(client.reply()->errors(0), "A request that is not a message of dam.proto.");
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_EQ(handled_, 0);
}

TEST_F(ControlSocketTest, an_empty_message_is_left_to_the_handler) {
  Client client(path_);
  client.send_bytes(framed(""));
  serve();
  EXPECT_TRUE(client.reply().has_value());
  EXPECT_EQ(handled_, 1);
}

TEST_F(ControlSocketTest, one_control_plane_at_a_time_and_the_first_one_stays) {
  Client first(path_);
  serve();
  Client second(path_);
  serve();
  EXPECT_EQ(second.reply()->errors(0), "Another control plane is connected.");
  EXPECT_TRUE(second.closed_by_server());
  first.send_bytes(hello(1));
  serve();
  EXPECT_TRUE(first.reply().has_value());
}

TEST_F(ControlSocketTest, a_control_plane_that_restarts_is_served_at_once) {
  auto old = std::make_unique<Client>(path_);
  serve();
  old.reset();
  Client fresh(path_);  // both are there when the server looks
  fresh.send_bytes(hello(5));
  serve();
  EXPECT_EQ(fresh.reply()->hello().protocol_version(), 5u);
}

TEST_F(ControlSocketTest, takes_a_message_of_many_megabytes) {
  Client client(path_);
  v1::Request request;
  for (int i = 0; i < 200'000; ++i) {
    v1::Subnet* subnet = request.mutable_apply()->add_deny();
    subnet->set_address("abcd");
    subnet->set_prefix_bits(32);
  }
  const std::string message = framed(request.SerializeAsString());
  for (size_t at = 0; at < message.size(); at += 65536) {
    client.send_bytes(message.substr(at, 65536));
    serve();
  }
  EXPECT_TRUE(client.reply()->ok());
}

TEST(ControlSocket, a_request_that_throws_is_answered_and_the_next_one_served) {
  TemporaryDirectory directory;
  const std::string path = directory.file("socket");
  ControlSocket socket(path);
  Client client(path);
  client.send_bytes(hello(1) + hello(2));
  for (int i = 0; i < 4; ++i) {
    socket.serve(std::chrono::milliseconds(0), [](const v1::Request& request) {
      if (request.hello().protocol_version() == 1) throw std::runtime_error("no room left");
      v1::Reply reply;
      reply.set_ok(true);
      return reply;
    });
  }
  const auto first = client.reply();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->errors(0), "The request cannot be carried out: no room left.");
  EXPECT_TRUE(client.reply()->ok());
}

TEST(ControlSocket, takes_the_place_of_a_socket_left_behind) {
  TemporaryDirectory directory;
  const std::string path = directory.file("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int stale = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(stale, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(stale);
  ControlSocket socket(path);
  Client client(path);
}

constexpr gid_t kControl = 54321;
constexpr uid_t kStranger = 54322;

// Connects as another user, while the socket's file is open to everybody: "served", or why not.
std::string served_to(uid_t uid, gid_t gid, const std::vector<gid_t>& groups,
                      std::vector<std::string>& log) {
  TemporaryDirectory directory;
  const std::string path = directory.file("socket");
  ControlSocket socket(path, {kControl, [&log](const std::string& line) { log.push_back(line); }});
  std::filesystem::permissions(directory.path(), std::filesystem::perms::all);
  std::filesystem::permissions(path, std::filesystem::perms::all);
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const bool became = setgroups(groups.size(), groups.data()) == 0 &&
                        setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0;
    Client client(path);
    client.send_bytes(hello(1));
    if (write(ends[1], became ? "y" : "n", 1) != 1) _exit(1);
    std::optional<v1::Reply> reply;
    for (int i = 0; i < 500 && !reply; ++i) {
      usleep(10'000);
      reply = client.reply();
    }
    _exit(became && reply && reply->ok() ? 0 : 1);
  }
  char became = 'n';
  EXPECT_EQ(read(ends[0], &became, 1), 1);
  EXPECT_EQ(became, 'y');
  for (int i = 0; i < 4; ++i) {
    socket.serve(std::chrono::milliseconds(0), [](const v1::Request&) {
      v1::Reply reply;
      reply.set_ok(true);
      return reply;
    });
  }
  int status = 1;
  waitpid(child, &status, 0);
  close(ends[0]);
  close(ends[1]);
  return status == 0 ? "served" : "refused";
}

TEST(ControlSocket, serves_root_and_the_control_group_and_nobody_else) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become others";
  std::vector<std::string> log;
  EXPECT_EQ(served_to(0, kStranger, {}, log), "served");
  EXPECT_EQ(served_to(kStranger, kControl, {}, log), "served");
  EXPECT_EQ(served_to(kStranger, kStranger, {1, kControl}, log), "served");
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(served_to(kStranger, kStranger, {1}, log), "refused");
  EXPECT_EQ(served_to(65534, 65534, {}, log), "refused");
  EXPECT_EQ(log[0], "Refused on the control socket: user 54322, group 54322.");
}

TEST(ControlSocket, gives_its_file_to_the_control_group) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  TemporaryDirectory directory;
  const std::string path = directory.file("socket");
  const ControlSocket socket(path, {kControl, [](const std::string&) {}});
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0660u);
  EXPECT_EQ(status.st_gid, kControl);
  EXPECT_EQ(status.st_uid, 0u);
}

TEST(ControlSocket, says_why_it_cannot_listen) {
  try {
    ControlSocket socket("/nonexistent/socket");
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_STREQ(error.what(), "The control socket /nonexistent/socket: No such file or directory");
  }
}

}  // namespace
}  // namespace dam
