// Opening an input: what a file is, by its first bytes, and who unpacks that.
#include <archive.h>
#include <string.h>

#include "csv/input_parts.h"

// What a file is. Sources: RFC 1952 (gzip), RFC 8878 (zstd), the .xz file format 1.1.0, bzip2's
// manual, APPNOTE.TXT (zip).

typedef enum Kind { KIND_PLAIN, KIND_GZIP, KIND_ZSTD, KIND_XZ, KIND_BZIP2, KIND_ZIP } Kind;

static bool starts_with(const char *head, size_t len, const char *magic, size_t magic_len) {
  return len >= magic_len && memcmp(head, magic, magic_len) == 0;
}

// "BZh" and a digit could be a header; what follows in bzip2 (as far as it is there) could not.
static bool is_bzip2(const char *head, size_t len) {
  enum { DIGIT = 4, MARK = 6 };
  size_t rest = len < DIGIT ? 0 : len - DIGIT < MARK ? len - DIGIT : MARK;
  return rest > 0 && memcmp(head, "BZh", 3) == 0 &&
         (memcmp(head + DIGIT, "\x31\x41\x59\x26\x53\x59", rest) == 0 ||
          memcmp(head + DIGIT, "\x17\x72\x45\x38\x50\x90", rest) == 0);
}

#define STARTS_WITH(magic) starts_with(head, len, magic, sizeof(magic) - 1)

static Kind kind_of(const char *head, size_t len) {
  if (STARTS_WITH("\x1f\x8b\x08"))
    return KIND_GZIP;
  if (STARTS_WITH("\x28\xb5\x2f\xfd"))
    return KIND_ZSTD;
  if (STARTS_WITH("\xfd"
                  "7zXZ"))
    return KIND_XZ;
  if (STARTS_WITH("PK\x03\x04") || STARTS_WITH("PK\x05\x06"))
    return KIND_ZIP;
  return is_bzip2(head, len) ? KIND_BZIP2 : KIND_PLAIN;
}

static const char *name_of(const char *path) {
  return strcmp(path, "-") == 0 ? "standard input" : path;
}

static Input *no_zip(Input *file, const char *name, Error *error) {
  file->close(file);
  error_set(error, "archive", "'%s' is not a zip: it has no members", name);
  return NULL;
}

Input *input_open(const char *path, const char *member, Error *error) {
  Input *file = input_open_file(path, error);
  if (!file)
    return NULL;
  char head[INPUT_HEAD];
  ptrdiff_t len = input_peek(file, head, error);
  if (len < 0) {
    file->close(file);
    return NULL;
  }
  const char *name = name_of(path);
  Kind kind = kind_of(head, (size_t)len);
  if (member && kind != KIND_ZIP)
    return no_zip(file, name, error);
  switch (kind) {
  case KIND_GZIP:
    return input_open_gzip(file, name, error);
  case KIND_ZSTD:
    return input_open_packed(file, ARCHIVE_FILTER_ZSTD, name, error);
  case KIND_XZ:
    return input_open_packed(file, ARCHIVE_FILTER_XZ, name, error);
  case KIND_BZIP2:
    return input_open_packed(file, ARCHIVE_FILTER_BZIP2, name, error);
  case KIND_ZIP:
    return input_open_member(file, member, name, error);
  case KIND_PLAIN:
    break;
  }
  return file;
}

// Reads what is in `file` to its end: a file may have grown since it was opened.
static bool read_whole(Input *file, Buffer *whole, Error *error) {
  char block[4096];
  for (;;) {
    ptrdiff_t got = file->read(file, block, sizeof block, error);
    if (got <= 0)
      return got == 0;
    buffer_put(whole, block, (size_t)got);
    if (whole->failed)
      return error_set(error, "ENOMEM", "out of memory");
  }
}

bool input_look(const char *path, size_t most, MemberVisitor visit, void *data, Buffer *whole,
                InputLook *what, Error *error) {
  Input *file = input_open_file(path, error);
  if (!file)
    return false;
  char head[INPUT_HEAD];
  ptrdiff_t len = input_peek(file, head, error);
  Kind kind = len < 0 ? KIND_PLAIN : kind_of(head, (size_t)len);
  size_t size = input_size(file);
  bool ok = len >= 0;
  *what = kind == KIND_ZIP ? INPUT_ZIP : INPUT_OTHER;
  if (ok && kind == KIND_ZIP)
    return input_visit_zip(file, name_of(path), visit, data, error);
  if (ok && kind == KIND_PLAIN && size > 0 && size <= most) {
    *what = INPUT_WHOLE;
    ok = read_whole(file, whole, error);
  }
  file->close(file);
  return ok;
}
