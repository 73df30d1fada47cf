// SPDX-License-Identifier: BSD-3-Clause
// The live page: a fixed list of files, read once. They hold nothing that needs a role; the API
// that the page asks does.
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

#include "controlplane/api/endpoints.h"

namespace dam::control {

namespace {

struct WebFile {
  const char* path;
  const char* file;
  const char* type;
};

constexpr WebFile kFiles[] = {{"/", "index.html", "text/html"},
                              {"/app.js", "app.js", "text/javascript"},
                              {"/app.css", "app.css", "text/css"}};

// Nothing from elsewhere, nothing inline, no frame around it (w3.org/TR/CSP3).
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

std::string page_without_files(const std::string& folder) {
  return "<!doctype html><html lang=\"en\"><title>Traffic Dam</title><h1>The live page is not "
         "installed here</h1><p>" +
         folder +
         " has no index.html. Build it with <code>cmake --build --preset release --target "
         "web</code>, then start dam-controlplane with <code>--web build/release/web</code>. "
         "damctl and the API at /v1 work without it.</p></html>\n";
}

std::optional<std::string> read_whole(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
  std::ifstream input(path, std::ios::binary);
  if (!input) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(input), {});
}

// What a browser keeps of an older page would not fit to a newer API.
void set_headers(httplib::Response& response) {
  response.set_header("Content-Security-Policy", kPolicy);
  response.set_header("X-Content-Type-Options", "nosniff");
  response.set_header("Referrer-Policy", "no-referrer");
  response.set_header("Cross-Origin-Opener-Policy", "same-origin");
  response.set_header("Cache-Control", "no-store");
}

Endpoint file_endpoint(const WebFile& file, const std::string& bytes) {
  Endpoint endpoint;
  endpoint.method = "GET";
  endpoint.path = file.path;
  endpoint.role = Role::anyone;
  endpoint.summary = "The live page: " + std::string(file.file);
  endpoint.answers = {{200, schema::text_answer(file.type, "of the live page")}};
  const std::string type = std::string(file.type) + "; charset=utf-8";
  endpoint.handle = [type, kept = std::make_shared<const std::string>(bytes)](
                        const Call&, httplib::Response& response) {
    set_headers(response);
    response.set_content(*kept, type);
  };
  return endpoint;
}

}  // namespace

Endpoints web_endpoints(const std::filesystem::path& folder) {
  Endpoints endpoints;
  for (const WebFile& file : kFiles) {
    std::optional<std::string> bytes;
    if (!folder.empty()) bytes = read_whole(folder / file.file);
    if (!bytes && file.path == std::string("/")) bytes = page_without_files(folder.string());
    if (bytes) endpoints.push_back(file_endpoint(file, *bytes));
  }
  return endpoints;
}

}  // namespace dam::control
