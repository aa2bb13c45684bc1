#include "remote/transfer.h"

#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/interrupt.h"

enum {
  CONNECT_SECONDS = 30,
  SILENT_SECONDS = 60, // without a byte: the connection is dead
  REDIRECTS = 5,
  FIRST_WAIT_MS = 250, // before a retry; doubled with each
  STEP_MS = 50,
  WAIT_MOST = 30, // seconds of a server's Retry-After that are waited
};

static CURLcode library_state;

static void start_library(void) {
  library_state = curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool transfer_start_library(Error *error) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, start_library);
  return library_state == CURLE_OK || error_set(error, "remote", "could not start libcurl: %s",
                                                curl_easy_strerror(library_state));
}

// The head of an answer

// The value of a header of this name, without blanks around it; NULL: another header.
static const char *header_value(const char *line, const char *name, char *out, size_t size) {
  size_t len = strlen(name);
  if (strncasecmp(line, name, len) != 0 || line[len] != ':')
    return NULL;
  const char *value = line + len + 1;
  value += strspn(value, " \t");
  size_t end = strcspn(value, "\r\n");
  while (end > 0 && (value[end - 1] == ' ' || value[end - 1] == '\t'))
    end--;
  if (end >= size)
    return NULL; // nothing that matters here is so long
  memcpy(out, value, end);
  out[end] = '\0';
  return out;
}

// "bytes 0-99/1000", "bytes */0", "bytes 0-99/*". Source: RFC 9110, 14.4.
static void take_range(Reply *reply, const char *value) {
  uint64_t from = 0, to = 0, total = 0;
  if (sscanf(value, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64, &from, &to, &total) == 3) {
    reply->ranged = true;
    reply->from = from;
    reply->total = total;
  } else if (sscanf(value, "bytes */%" SCNu64, &total) == 1) {
    reply->total = total;
  }
}

static void take_header(Reply *reply, const char *line) {
  char value[sizeof reply->version];
  if (header_value(line, "etag", value, sizeof value)) {
    memcpy(reply->version, value, strlen(value) + 1);
    reply->tagged = true;
  } else if (!reply->tagged && header_value(line, "last-modified", value, sizeof value)) {
    memcpy(reply->version, value, strlen(value) + 1);
  } else if (header_value(line, "content-range", value, sizeof value)) {
    take_range(reply, value);
  } else if (!reply->ranged && header_value(line, "content-length", value, sizeof value)) {
    reply->total = strtoull(value, NULL, 10);
  } else if (header_value(line, "retry-after", value, sizeof value)) {
    long seconds = strtol(value, NULL, 10);
    reply->wait = seconds < 0 ? 0 : seconds < WAIT_MOST ? seconds : WAIT_MOST;
  }
}

static Reply no_reply(void) {
  return (Reply){.total = UINT64_MAX};
}

// libcurl's: one line with its end, at most 100 KiB.
static size_t on_header(char *bytes, size_t size, size_t count, void *data) {
  Transfer *transfer = data;
  char line[1024];
  size_t len = size * count;
  size_t kept = len < sizeof line ? len : sizeof line - 1;
  memcpy(line, bytes, kept);
  line[kept] = '\0';
  if (strncmp(line, "HTTP/", 5) == 0) { // another answer: of a redirect, or after "100 Continue"
    const char *status = strchr(line, ' ');
    transfer->reply = no_reply();
    transfer->reply.status = status ? strtol(status, NULL, 10) : 0;
  } else if (len < sizeof line) {
    take_header(&transfer->reply, line);
  }
  return len;
}

void transfer_note_body(Transfer *transfer, const char *bytes, size_t len) {
  static const char open[] = "<Code>";
  for (size_t at = 0; at + sizeof open - 1 < len && !transfer->reply.reason[0]; at++) {
    if (memcmp(bytes + at, open, sizeof open - 1) != 0)
      continue;
    const char *word = bytes + at + sizeof open - 1;
    size_t left = (size_t)(bytes + len - word), size = 0;
    while (size < left && size + 1 < sizeof transfer->reply.reason &&
           isalnum((unsigned char)word[size]))
      size++;
    memcpy(transfer->reply.reason, word, size);
    transfer->reply.reason[size] = '\0';
  }
}

// Making one

static bool add_header(Transfer *transfer, const char *name, const char *value) {
  char line[4096];
  int len = snprintf(line, sizeof line, "%s: %s", name, value);
  struct curl_slist *more =
      len > 0 && (size_t)len < sizeof line ? curl_slist_append(transfer->headers, line) : NULL;
  if (more)
    transfer->headers = more;
  explicit_bzero(line, sizeof line);
  return more != NULL;
}

// The request is signed by libcurl, with the hash of its body where there is one.
static bool sign(Transfer *transfer, const Location *location) {
  const Credentials *credentials = &location->credentials;
  CURL *easy = transfer->easy;
  return add_header(transfer, "x-amz-content-sha256",
                    location->payload[0] ? location->payload : "UNSIGNED-PAYLOAD") &&
         (!credentials->token ||
          add_header(transfer, "x-amz-security-token", credentials->token)) &&
         curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, location->signing) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_USERNAME, credentials->key) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PASSWORD, credentials->secret) == CURLE_OK;
}

static void set_limits(CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)SILENT_SECONDS);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
}

// A redirect leads from https to https only. One of a store would need another signature.
static void set_redirects(CURL *easy, const Location *location) {
  bool secure = strncmp(location->url, "https:", 6) == 0;
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, location->signing ? 0L : 1L);
}

static void set_authorities(CURL *easy) {
  static const char *const names[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *file = getenv(names[i]);
    if (file && *file) {
      curl_easy_setopt(easy, CURLOPT_CAINFO, file);
      return;
    }
  }
}

bool transfer_open(Transfer *transfer, const Location *location, curl_write_callback take,
                   void *data, Error *error) {
  *transfer = (Transfer){.easy = curl_easy_init(), .reply = no_reply()};
  CURL *easy = transfer->easy;
  bool ok = easy && curl_easy_setopt(easy, CURLOPT_URL, location->url) == CURLE_OK &&
            (!location->signing || sign(transfer, location));
  if (!ok) {
    transfer_close(transfer);
    return error_set(error, "ENOMEM", "out of memory");
  }
  set_limits(easy);
  set_redirects(easy, location);
  set_authorities(easy);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "pghost");
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->text);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, data);
  if (!location->signing)
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
  return true;
}

void transfer_ask(Transfer *transfer, uint64_t from, uint64_t to) {
  char range[48];
  if (to == UINT64_MAX)
    snprintf(range, sizeof range, "%" PRIu64 "-", from);
  else
    snprintf(range, sizeof range, "%" PRIu64 "-%" PRIu64, from, to - 1);
  bool whole = from == 0 && to == UINT64_MAX;
  curl_easy_setopt(transfer->easy, CURLOPT_RANGE, whole ? NULL : range);
  transfer->reply = no_reply();
  transfer->text[0] = '\0';
}

void transfer_close(Transfer *transfer) {
  curl_easy_cleanup(transfer->easy);
  curl_slist_free_all(transfer->headers);
  transfer->easy = NULL;
  transfer->headers = NULL;
}

// libcurl's: another number than 0 ends the transfer.
static int stop_wanted(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
  (void)data, (void)a, (void)b, (void)c, (void)d;
  return interrupt_wanted();
}

void transfer_stop_when_asked(Transfer *transfer) {
  curl_easy_setopt(transfer->easy, CURLOPT_XFERINFOFUNCTION, stop_wanted);
  curl_easy_setopt(transfer->easy, CURLOPT_NOPROGRESS, 0L);
}

bool transfer_wait(const Transfer *transfer, int tries) {
  long ms = (long)FIRST_WAIT_MS << tries;
  ms = ms > transfer->reply.wait * 1000 ? ms : transfer->reply.wait * 1000;
  for (; ms > 0 && !interrupt_wanted(); ms -= STEP_MS)
    nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000L}, NULL);
  return !interrupt_wanted();
}

// What went wrong

static bool is_busy(long status) {
  static const long busy[] = {408, 425, 429, 500, 502, 503, 504};
  for (size_t i = 0; i < sizeof busy / sizeof *busy; i++)
    if (status == busy[i])
      return true;
  return false;
}

bool transfer_is_transient(const Transfer *transfer, CURLcode code) {
  switch (code) {
  case CURLE_OK:
  case CURLE_WRITE_ERROR: // our own word for a status that is no success
    return is_busy(transfer->reply.status);
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_CONNECT:
  case CURLE_PARTIAL_FILE:
  case CURLE_OPERATION_TIMEDOUT:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_HTTP2:
  case CURLE_HTTP2_STREAM:
    return true;
  default:
    return false;
  }
}

static const char *code_of(long status) {
  return status == 404 || status == 410   ? "ENOENT"
         : status == 401 || status == 403 ? "EACCES"
                                          : "remote";
}

bool transfer_failed(const Transfer *transfer, CURLcode code, const Location *location,
                     Error *error) {
  const Reply *reply = &transfer->reply;
  const char *verb = transfer->writes ? "write" : "read";
  if (code == CURLE_UNSUPPORTED_PROTOCOL && reply->status >= 300)
    return error_set(error, "remote",
                     "could not %s '%s': HTTP status %ld: it redirects to another protocol, which "
                     "is not followed",
                     verb, location->shown, reply->status);
  if (reply->status >= 300 && reply->reason[0])
    return error_set(error, code_of(reply->status), "could not %s '%s': HTTP status %ld, %s", verb,
                     location->shown, reply->status, reply->reason);
  if (reply->status >= 300)
    return error_set(error, code_of(reply->status), "could not %s '%s': HTTP status %ld", verb,
                     location->shown, reply->status);
  const char *text = transfer->text[0] ? transfer->text : curl_easy_strerror(code);
  bool name = isupper((unsigned char)text[0]) && isupper((unsigned char)text[1]); // "SSL ..."
  return error_set(error, "remote", "could not %s '%s': %c%s", verb, location->shown,
                   name ? text[0] : tolower((unsigned char)text[0]), text + (*text ? 1 : 0));
}
