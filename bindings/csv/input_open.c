// Opening an input: what a file is, by its first bytes, and what decompresses it.
#include <stdio.h>
#include <string.h>

#include "csv/archive_parts.h"
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

static RawInput *open_raw(const char *path, const char *version, Error *error) {
  if (!input_is_url(path))
    return input_open_file(path, error);
  InputOpener *opener = input_opener();
  if (opener)
    return opener(path, version, error);
  error_set(error, "usage", "could not open '%s': the module that reads URLs is not loaded", path);
  return NULL;
}

static void close_raw(RawInput *raw) {
  raw->input.close(&raw->input);
}

static Input *no_zip(RawInput *raw, Error *error) {
  error_set(error, "archive", "'%s' is not a zip: it has no members", raw->name);
  close_raw(raw);
  return NULL;
}

// Decompresses `raw` with libarchive; takes over `raw`.
static Input *open_archive(RawInput *raw, Kind kind, const char *member, Error *error) {
  const ArchiveParts *parts = archive_parts(error);
  if (!parts) {
    close_raw(raw);
    return NULL;
  }
  switch (kind) {
  case KIND_ZSTD:
    return parts->open_packed(raw, PACKED_ZSTD, error);
  case KIND_XZ:
    return parts->open_packed(raw, PACKED_XZ, error);
  case KIND_BZIP2:
    return parts->open_packed(raw, PACKED_BZIP2, error);
  default:
    return parts->open_member(raw, member, error);
  }
}

static bool visit_zip(RawInput *raw, MemberVisitor visit, void *data, Error *error) {
  const ArchiveParts *parts = archive_parts(error);
  if (parts)
    return parts->visit_zip(raw, visit, data, error);
  close_raw(raw);
  return false;
}

Input *input_open(const InputName *name, Error *error) {
  RawInput *raw = open_raw(name->path, name->version, error);
  if (!raw)
    return NULL;
  char head[INPUT_HEAD];
  ptrdiff_t len = raw->peek(raw, head, error);
  if (len < 0) {
    close_raw(raw);
    return NULL;
  }
  Kind kind = kind_of(head, (size_t)len);
  if (name->member && kind != KIND_ZIP)
    return no_zip(raw, error);
  if (kind == KIND_PLAIN)
    return &raw->input;
  return kind == KIND_GZIP ? input_open_gzip(raw, error)
                           : open_archive(raw, kind, name->member, error);
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

static void note_facts(const RawInput *raw, InputLook *look) {
  look->size = raw->size;
  snprintf(look->version, sizeof look->version, "%s", raw->version ? raw->version : "");
}

bool input_look(const char *path, size_t most, MemberVisitor visit, void *data, InputLook *look,
                Error *error) {
  RawInput *raw = open_raw(path, NULL, error);
  if (!raw)
    return false;
  char head[INPUT_HEAD];
  ptrdiff_t len = raw->peek(raw, head, error);
  Kind kind = len < 0 ? KIND_PLAIN : kind_of(head, (size_t)len);
  bool ok = len >= 0;
  note_facts(raw, look);
  look->kind = kind == KIND_ZIP ? INPUT_ZIP : INPUT_OTHER;
  if (ok && kind == KIND_ZIP)
    return visit_zip(raw, visit, data, error);
  if (ok && kind == KIND_PLAIN && raw->size > 0 && raw->size <= most) {
    look->kind = INPUT_WHOLE;
    ok = read_whole(&raw->input, &look->whole, error);
  }
  close_raw(raw);
  return ok;
}
