// Source: Amazon S3 API Reference: PutObject, CreateMultipartUpload, UploadPart,
// CompleteMultipartUpload, AbortMultipartUpload. A store has all parts but the last of 5 MiB at
// least, and 10,000 of them at most.
#include "remote/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/hex.h"
#include "remote/transfer.h"

enum {
  PART_BYTES = 16 * 1024 * 1024,
  PARTS_MOST = 9000,
  TRIES = 6,
  SHA256_BYTES = 32,
  ANSWER_MOST = 64 * 1024,
};

// What is sent with a request: bytes of a file, or of memory; neither: nothing.
typedef struct Body {
  int file; // -1: none
  const char *bytes;
  uint64_t from;
  uint64_t size;
  uint64_t sent;
} Body;

typedef struct Request {
  const char *method; // "PUT", "POST", "DELETE"
  const char *query;  // NULL: none
  Body body;
  Buffer *answer; // gets the body of the answer; may be NULL
  char *version;  // gets the entity tag; may be NULL
  size_t version_size;
} Request;

typedef struct Exchange {
  Transfer transfer;
  Request *request;
} Exchange;

// libcurl's: the next bytes of the body.
static size_t give_body(char *out, size_t size, size_t count, void *data) {
  Body *body = &((Exchange *)data)->request->body;
  uint64_t left = body->size - body->sent;
  size_t wanted = size * count < left ? size * count : (size_t)left;
  if (wanted == 0)
    return 0;
  ssize_t got = (ssize_t)wanted;
  if (body->file >= 0)
    got = pread(body->file, out, wanted, (off_t)(body->from + body->sent));
  else
    memcpy(out, body->bytes + body->sent, wanted);
  if (got <= 0)
    return CURL_READFUNC_ABORT;
  body->sent += (uint64_t)got;
  return (size_t)got;
}

// libcurl's: it sends the body from its start once more, for a redirect or a lost connection.
static int seek_body(void *data, curl_off_t offset, int origin) {
  Body *body = &((Exchange *)data)->request->body;
  if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > body->size)
    return CURL_SEEKFUNC_FAIL;
  body->sent = (uint64_t)offset;
  return CURL_SEEKFUNC_OK;
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *data) {
  Exchange *exchange = data;
  size_t len = size * count;
  transfer_note_body(&exchange->transfer, bytes, len);
  Buffer *answer = exchange->request->answer;
  if (answer && answer->len + len < ANSWER_MOST)
    buffer_put(answer, bytes, len);
  return len;
}

// False: the file cannot be read, or there is no memory.
static bool hash_body(const Body *body, char out[65]) {
  char block[64 * 1024];
  unsigned char hash[EVP_MAX_MD_SIZE];
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
  for (uint64_t at = 0; ok && at < body->size;) {
    uint64_t left = body->size - at;
    size_t wanted = left < sizeof block ? (size_t)left : sizeof block;
    ssize_t got = body->file < 0 ? (ssize_t)wanted
                                 : pread(body->file, block, wanted, (off_t)(body->from + at));
    ok = got > 0 &&
         EVP_DigestUpdate(context, body->file < 0 ? body->bytes + at : block, (size_t)got) == 1;
    at += ok ? (uint64_t)got : 0;
  }
  ok = ok && EVP_DigestFinal_ex(context, hash, NULL) == 1;
  EVP_MD_CTX_free(context);
  if (ok)
    hex_write(out, hash, SHA256_BYTES);
  out[ok ? 2 * SHA256_BYTES : 0] = '\0';
  return ok;
}

static void set_method(Exchange *exchange) {
  CURL *easy = exchange->transfer.easy;
  const Request *request = exchange->request;
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
  if (strcmp(request->method, "DELETE") != 0) {
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body.size);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, exchange);
  }
  transfer_stop_when_asked(&exchange->transfer);
}

static bool is_done(const Transfer *transfer, CURLcode code) {
  long status = transfer->reply.status;
  return code == CURLE_OK && status >= 200 && status < 300 && !transfer->reply.reason[0];
}

// Sends with retries while these may help.
static bool send_often(Exchange *exchange, const Location *location, Error *error) {
  Transfer *transfer = &exchange->transfer;
  for (int tries = 1;; tries++) {
    exchange->request->body.sent = 0;
    if (exchange->request->answer)
      buffer_clear(exchange->request->answer);
    transfer_ask(transfer, 0, UINT64_MAX);
    CURLcode code = curl_easy_perform(transfer->easy);
    if (is_done(transfer, code))
      return true;
    if (code == CURLE_ABORTED_BY_CALLBACK)
      return error_set(error, "interrupted", "writing '%s' was interrupted", location->shown);
    bool again = transfer_is_transient(transfer, code) ||
                 strcmp(transfer->reply.reason, "InternalError") == 0; // within a 200, too
    if (!again || tries == TRIES || !transfer_wait(transfer, tries)) {
      if (transfer->reply.status < 300 && transfer->reply.reason[0])
        return error_set(error, "remote", "could not write '%s': %s", location->shown,
                         transfer->reply.reason);
      return transfer_failed(transfer, code, location, error);
    }
  }
}

static bool perform(const char *url, Request *request, Error *error) {
  Location location;
  if (!location_of_object(url, request->query, &location, error))
    return false;
  Exchange exchange = {.request = request};
  bool ok = hash_body(&request->body, location.payload) ||
            error_set(error, "EIO", "could not read what is written to '%s'", location.shown);
  if (ok && transfer_open(&exchange.transfer, &location, take_answer, &exchange, error)) {
    exchange.transfer.writes = true;
    set_method(&exchange);
    ok = send_often(&exchange, &location, error);
    if (ok && request->version)
      snprintf(request->version, request->version_size, "%s", exchange.transfer.reply.version);
    transfer_close(&exchange.transfer);
  } else {
    ok = false;
  }
  location_free(&location);
  return ok;
}

// Parts

typedef struct Upload {
  const char *url;
  int file;
  uint64_t size;
  char id[1024]; // percent-encoded
  Buffer parts;  // the XML that names them
} Upload;

// Puts `text` as a value of a query.
static bool encode(const char *text, size_t len, char *out, size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                 strchr("-._~", c);
    int put = snprintf(out + used, size - used, plain ? "%c" : "%%%02X", c);
    used += (size_t)put;
    if (put < 0 || used >= size)
      return false;
  }
  return len > 0;
}

static bool begin_parts(Upload *upload, Error *error) {
  Buffer answer = {0};
  Request request = {
      .method = "POST", .query = "uploads=", .body = {.file = -1, .bytes = ""}, .answer = &answer};
  bool ok = perform(upload->url, &request, error);
  buffer_put_u8(&answer, 0);
  if (ok) {
    const char *start = answer.failed ? NULL : strstr(answer.data, "<UploadId>");
    const char *end = start ? strstr(start, "</UploadId>") : NULL;
    start = start ? start + strlen("<UploadId>") : NULL;
    ok = (end && encode(start, (size_t)(end - start), upload->id, sizeof upload->id)) ||
         error_set(error, "remote", "could not write '%s': the store gave no upload", upload->url);
  }
  buffer_free(&answer);
  return ok;
}

static bool send_part(Upload *upload, int number, uint64_t from, uint64_t size, Error *error) {
  char query[1200], version[256], line[512];
  snprintf(query, sizeof query, "partNumber=%d&uploadId=%s", number, upload->id);
  Request request = {.method = "PUT",
                     .query = query,
                     .body = {.file = upload->file, .from = from, .size = size},
                     .version = version,
                     .version_size = sizeof version};
  if (!perform(upload->url, &request, error))
    return false;
  snprintf(line, sizeof line, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", number,
           version);
  buffer_put(&upload->parts, line, strlen(line));
  return !upload->parts.failed || error_set(error, "ENOMEM", "out of memory");
}

static bool send_parts(Upload *upload, Error *error) {
  uint64_t part = upload->size / PARTS_MOST + 1;
  part = part < PART_BYTES ? PART_BYTES : part;
  int number = 1;
  for (uint64_t at = 0; at < upload->size; at += part, number++) {
    uint64_t left = upload->size - at;
    if (!send_part(upload, number, at, left < part ? left : part, error))
      return false;
  }
  return true;
}

static bool end_parts(Upload *upload, Error *error) {
  static const char open[] = "<CompleteMultipartUpload>", close[] = "</CompleteMultipartUpload>";
  char query[1200];
  Buffer body = {0};
  buffer_put(&body, open, sizeof open - 1);
  buffer_put(&body, upload->parts.data, upload->parts.len);
  buffer_put(&body, close, sizeof close - 1);
  snprintf(query, sizeof query, "uploadId=%s", upload->id);
  Request request = {
      .method = "POST", .query = query, .body = {.file = -1, .bytes = body.data, .size = body.len}};
  bool ok = body.failed ? error_set(error, "ENOMEM", "out of memory")
                        : perform(upload->url, &request, error);
  buffer_free(&body);
  return ok;
}

static void take_back(const Upload *upload) {
  char query[1200];
  Error ignored;
  snprintf(query, sizeof query, "uploadId=%s", upload->id);
  Request request = {.method = "DELETE", .query = query, .body = {.file = -1, .bytes = ""}};
  perform(upload->url, &request, &ignored);
}

static bool upload_parts(Upload *upload, Error *error) {
  if (!begin_parts(upload, error))
    return false;
  bool ok = send_parts(upload, error) && end_parts(upload, error);
  if (!ok)
    take_back(upload);
  buffer_free(&upload->parts);
  return ok;
}

bool upload_file(const char *file, const char *url, Error *error) {
  if (!transfer_start_library(error))
    return false;
  Upload upload = {.url = url, .file = open(file, O_RDONLY | O_CLOEXEC)};
  struct stat facts;
  if (upload.file < 0 || fstat(upload.file, &facts) != 0)
    return error_set_errno(error, errno, "could not open '%s'", file);
  upload.size = (uint64_t)facts.st_size;
  Request whole = {.method = "PUT", .body = {.file = upload.file, .size = upload.size}};
  bool ok = upload.size > PART_BYTES ? upload_parts(&upload, error) : perform(url, &whole, error);
  close(upload.file);
  return ok;
}
