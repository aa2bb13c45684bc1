#include "remote/location.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char s3_scheme[] = "s3://";

enum { BUCKET_LEAST = 3, BUCKET_MOST = 255 }; // stores of one's own allow more than Amazon's 63

static void put_text(Buffer *out, const char *text) {
  buffer_put(out, text, strlen(text));
}

// Ends a text with a NUL that does not count, and gives its memory away; NULL: there was none.
static char *take_text(Buffer *text) {
  buffer_put_u8(text, 0);
  char *taken = text->failed ? NULL : text->data;
  if (!taken)
    buffer_free(text);
  *text = (Buffer){0};
  return taken;
}

static bool is_unreserved(char c) {
  return isalnum((unsigned char)c) || (c != 0 && strchr("-._~", c));
}

// As AWS wants it for signatures: all but unreserved characters, and those of `kept`.
static void put_encoded(Buffer *out, const char *text, size_t len, const char *kept) {
  static const char digits[] = "0123456789ABCDEF";
  for (size_t i = 0; i < len; i++) {
    unsigned char byte = (unsigned char)text[i];
    if (is_unreserved(text[i]) || strchr(kept, byte)) {
      buffer_put_u8(out, byte);
    } else {
      const char hex[] = {'%', digits[byte >> 4], digits[byte & 15]};
      buffer_put(out, hex, sizeof hex);
    }
  }
}

// Showing

static bool looks_secret(const char *name, size_t len) {
  static const char *const words[] = {"sig",  "token",      "key", "secret",
                                      "pass", "credential", "auth"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    size_t size = strlen(words[i]);
    for (size_t at = 0; at + size <= len; at++)
      if (strncasecmp(name + at, words[i], size) == 0)
        return true;
  }
  return false;
}

static void show_parameter(const char *text, size_t len, Buffer *out) {
  const char *equals = memchr(text, '=', len);
  size_t name = equals ? (size_t)(equals - text) : len;
  if (equals && looks_secret(text, name)) {
    buffer_put(out, text, name + 1);
    put_text(out, "...");
  } else {
    buffer_put(out, text, len);
  }
}

void location_show(const char *url, Buffer *out) {
  size_t before = strcspn(url, "?");
  buffer_put(out, url, before);
  for (const char *at = url + before; *at; at += strcspn(at, "&")) {
    buffer_put(out, at++, 1); // the "?" or "&"
    show_parameter(at, strcspn(at, "&"), out);
  }
  buffer_put_u8(out, 0);
  if (out->len > 0)
    out->len--;
}

// Web servers

// The part between "//" and the next "/": who is asked.
static bool names_user(const char *url) {
  const char *start = strstr(url, "//") + 2;
  size_t len = strcspn(start, "/?#");
  return memchr(start, '@', len) != NULL;
}

static bool find_web(const char *path, Location *location, Error *error) {
  if (names_user(path))
    return error_set(
        error, "usage",
        "a URL with a name and password in it would be stored and logged: give them in "
        "~/.netrc");
  Buffer url = {0};
  put_encoded(&url, path, strcspn(path, "#"), "!#$%&'()*+,/:;=?@[]");
  location->url = take_text(&url);
  return location->url || error_set(error, "ENOMEM", "out of memory");
}

// S3

static bool is_bucket(const char *name, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!isalnum((unsigned char)name[i]) && !strchr("-._", name[i]))
      return false;
  return len >= BUCKET_LEAST && len <= BUCKET_MOST;
}

// The bucket by its host, or by the first part of the path: for stores of one's own, and where dots
// in the name would not match the certificate.
// Source: Amazon S3 User Guide, "Virtual hosting of buckets".
static void put_bucket(Buffer *url, const Credentials *credentials, const char *bucket,
                       size_t len) {
  if (credentials->endpoint) {
    size_t end = strlen(credentials->endpoint);
    while (end > 0 && credentials->endpoint[end - 1] == '/')
      end--;
    buffer_put(url, credentials->endpoint, end);
    put_text(url, "/");
    buffer_put(url, bucket, len);
    return;
  }
  bool dots = memchr(bucket, '.', len) != NULL;
  put_text(url, "https://");
  if (!dots) {
    buffer_put(url, bucket, len);
    put_text(url, ".");
  }
  put_text(url, "s3.");
  put_text(url, credentials->region);
  put_text(url, ".amazonaws.com");
  if (dots) {
    put_text(url, "/");
    buffer_put(url, bucket, len);
  }
}

static bool check_credentials(const Credentials *credentials, Error *error) {
  const char *endpoint = credentials->endpoint;
  if (endpoint && strncmp(endpoint, "http://", 7) != 0 && strncmp(endpoint, "https://", 8) != 0)
    return error_set(error, "usage", "the endpoint '%s' is no http or https URL", endpoint);
  for (const char *at = credentials->region; *at; at++)
    if (!isalnum((unsigned char)*at) && *at != '-')
      return error_set(error, "usage", "'%s' is not the name of a region", credentials->region);
  return true;
}

// Credentials, and the beginning of the URL, up to the bucket. Returns what follows the bucket's
// name in `path`; NULL: error filled.
static const char *begin_s3(const char *path, Location *location, Buffer *url, Error *error) {
  const char *bucket = path + sizeof s3_scheme - 1;
  size_t len = strcspn(bucket, "/");
  if (!is_bucket(bucket, len)) {
    error_set(error, "usage", "'%s' names no bucket: s3://BUCKET/KEY expected", path);
    return NULL;
  }
  if (!credentials_find(&location->credentials)) {
    error_set(error, "ENOMEM", "out of memory");
    return NULL;
  }
  if (!check_credentials(&location->credentials, error))
    return NULL;
  put_bucket(url, &location->credentials, bucket, len);
  return bucket + len;
}

static bool end_s3(Location *location, Buffer *url, Error *error) {
  location->url = take_text(url);
  Buffer signing = {0};
  if (location->credentials.key) {
    put_text(&signing, "aws:amz:");
    put_text(&signing, location->credentials.region);
    put_text(&signing, ":s3");
    location->signing = take_text(&signing);
  }
  bool ok = location->url && (location->signing || !location->credentials.key);
  return ok || error_set(error, "ENOMEM", "out of memory");
}

static bool find_object(const char *path, const char *query, Location *location, Error *error) {
  Buffer url = {0};
  const char *key = begin_s3(path, location, &url, error);
  bool named = key && key[0] == '/' && key[1];
  if (named) {
    put_encoded(&url, key, strlen(key), "/");
    put_text(&url, query ? "?" : "");
    put_text(&url, query ? query : "");
    return end_s3(location, &url, error);
  }
  buffer_free(&url);
  return key && error_set(error, "usage", "'%s' names no object: s3://BUCKET/KEY expected", path);
}

static bool begin(const char *path, Location *location, Error *error) {
  *location = (Location){0};
  Buffer shown = {0};
  location_show(path, &shown);
  location->shown = take_text(&shown);
  return location->shown || error_set(error, "ENOMEM", "out of memory");
}

static bool ended(bool ok, Location *location) {
  if (!ok)
    location_free(location);
  return ok;
}

bool location_of_object(const char *path, const char *query, Location *location, Error *error) {
  return ended(begin(path, location, error) && find_object(path, query, location, error), location);
}

bool location_find(const char *path, Location *location, Error *error) {
  bool s3 = strncmp(path, s3_scheme, sizeof s3_scheme - 1) == 0;
  return ended(begin(path, location, error) && (s3 ? find_object(path, NULL, location, error)
                                                   : find_web(path, location, error)),
               location);
}

// Source: Amazon S3 API Reference, ListObjectsV2. Parameters are sorted, as the signature wants.
static bool find_list(const char *path, bool shallow, const char *token, Location *location,
                      Error *error) {
  Buffer url = {0};
  const char *prefix = begin_s3(path, location, &url, error);
  if (!prefix) {
    buffer_free(&url);
    return false;
  }
  put_text(&url, "/?");
  if (token) {
    put_text(&url, "continuation-token=");
    put_encoded(&url, token, strlen(token), "");
    put_text(&url, "&");
  }
  put_text(&url, shallow ? "delimiter=%2F&" : "");
  put_text(&url, "list-type=2&prefix=");
  prefix += *prefix == '/';
  put_encoded(&url, prefix, strlen(prefix), "");
  return end_s3(location, &url, error);
}

bool location_of_list(const char *path, bool shallow, const char *token, Location *location,
                      Error *error) {
  return ended(begin(path, location, error) && find_list(path, shallow, token, location, error),
               location);
}

void location_free(Location *location) {
  free(location->shown);
  free(location->url);
  free(location->signing);
  credentials_free(&location->credentials);
  *location = (Location){0};
}
