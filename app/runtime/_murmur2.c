/* The hash of app/runtime/murmur2.py, forty times as fast.
 *
 * Optional: built where there is a C compiler. tests/test_topics.py compares the two.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#define M 0x5BD1E995u
#define SEED 0x9747B28Cu

/* The next `size` bytes, up to four, as a little-endian number. */
static uint32_t little(const unsigned char *bytes, Py_ssize_t size)
{
    uint32_t number = 0;
    while (size-- > 0)
        number = number << 8 | bytes[size];
    return number;
}

static uint32_t hashed(const unsigned char *key, Py_ssize_t length)
{
    uint32_t h = SEED ^ (uint32_t)length;
    for (; length >= 4; key += 4, length -= 4) {
        uint32_t k = little(key, 4) * M;
        h = h * M ^ (k ^ k >> 24) * M;
    }
    if (length > 0)
        h = (h ^ little(key, length)) * M;
    h = (h ^ h >> 13) * M;
    return h ^ h >> 15;
}

static PyObject *murmur2(PyObject *Py_UNUSED(module), PyObject *key)
{
    char *bytes;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(key, &bytes, &length))
        return NULL;
    return PyLong_FromUnsignedLong(hashed((unsigned char *)bytes, length));
}

static PyMethodDef functions[] = {
    {"murmur2", murmur2, METH_O, "murmur2(key: bytes) -> int: 32 bits, not negative"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "app.runtime._murmur2", "The hash of Kafka's clients.", 0, functions,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__murmur2(void)
{
    return PyModule_Create(&module);
}
