import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { demangle } from '../../src/unwind/demangle.js';

const test = suite('unwind/demangle');

// The right column is what GNU c++filt -i prints.
const rows: [string, string][] = [
  ['_Z1fv', 'f()'],
  ['_Z1fiPKcRd', 'f(int, char const*, double&)'],
  ['_ZNK8postcard7Palette8colourOfEh', 'postcard::Palette::colourOf(unsigned char) const'],
  ['_ZN8postcard7PainterC2ERNS_6CanvasE', 'postcard::Painter::Painter(postcard::Canvas&)'],
  ['_ZN8postcard7PainterD1Ev', 'postcard::Painter::~Painter()'],
  [
    '_ZN12_GLOBAL__N_113makeThumbnailERKN8postcard5BytesERNS_8ProgressE',
    '(anonymous namespace)::makeThumbnail(postcard::Bytes const&, (anonymous namespace)::Progress&)',
  ],
  [
    '_ZNK8postcard7Decoder10forEachRunINS_7PainterEEEjNS_5BytesERT_',
    'unsigned int postcard::Decoder::forEachRun<postcard::Painter>(postcard::Bytes, postcard::Painter&) const',
  ],
  ['_Z4walkPFviEA3_i', 'walk(void (*)(int), int [3])'],
  ['_Z1gRA4_KcPPFivE', 'g(char const (&) [4], int (**)())'],
  ['_ZlsRSoRK5Point', 'operator<<(std::ostream&, Point const&)'],
  ['_ZN5PointixEm', 'Point::operator[](unsigned long)'],
  ['_ZNKSt6vectorIiSaIiEE4sizeEv', 'std::vector<int, std::allocator<int> >::size() const'],
  [
    '_Z3maxISt4pairIibEET_RKS2_S4_',
    'std::pair<int, bool> max<std::pair<int, bool> >(std::pair<int, bool> const&, std::pair<int, bool> const&)',
  ],
  ['_Z3arrILi3ELb1ELj7EEvv', 'void arr<3, true, 7u>()'],
  ['_ZN3fooIJicEE3barEv', 'foo<int, char>::bar()'],
  ['_ZNO3foo3barEv', 'foo::bar() &&'],
  ['_Z4workv.constprop.0.isra.0', 'work() [clone .constprop.0] [clone .isra.0]'],
  ['_ZL6staticj', 'static(unsigned int)'],
  ['_ZNSt6vectorIiSaIiEED1Ev', 'std::vector<int, std::allocator<int> >::~vector()'],
  [
    '_ZNSsC1Ev',
    'std::basic_string<char, std::char_traits<char>, std::allocator<char> >::basic_string()',
  ],
  ['_ZNKSs4sizeEv', 'std::string::size() const'],
  [
    '_ZNKSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE5c_strEv',
    'std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::c_str() const',
  ],
  ['_ZZ4mainENKUlvE_clEv', 'main::{lambda()#1}::operator()() const'],
  ['_ZZ4mainENKUlT_E0_clIiEEDaS_', 'auto main::{lambda(auto:1)#2}::operator()<int>(int) const'],
  ['_ZTV3foo', 'vtable for foo'],
  ['_ZTISt9exception', 'typeinfo for std::exception'],
  ['_ZThn16_N3foo3barEv', 'non-virtual thunk to foo::bar()'],
  ['_ZTv0_n24_N3foo3barEv', 'virtual thunk to foo::bar()'],
  ['_ZGVZ3barvE1x', 'guard variable for bar()::x'],
  ['_Z3sumIJiiEEvDpT_', 'void sum<int, int>(int, int)'],
  ['_Z3sumIJEEvDpT_', 'void sum<>()'],
  ['_ZlsILi3EEvv', 'void operator<< <3>()'],
  ['_ZN3foocvbEv', 'foo::operator bool()'],
  ['_ZN3foocvT_IiEEv', 'foo::operator int<int>()'],
  ['_Zli3_kmy', 'operator"" _km(unsigned long long)'],
  ['_ZN3foonwEm', 'foo::operator new(unsigned long)'],
  ['_Z3barB5cxx11v', 'bar[abi:cxx11]()'],
  ['_Z1fM3fooKFviE', 'f(void (foo::*)(int) const)'],
  ['_Z1fM3fooi', 'f(int foo::*)'],
  ['_Z1fIiEPFvcEi', 'void (*f<int>(int))(char)'],
  ['_Z1fIiEDTplfp_Li1EET_', 'decltype ({parm#1}+(1)) f<int>(int)'],
  [
    '_Z1fIiEvNSt9enable_ifIXgtsZT_Li0EEvE4typeE',
    'void f<int>(std::enable_if<((0)>(0)), void>::type)',
  ],
  [
    '_Z1fIJicEEvNSt9enable_ifIXgtsZT_Li0EEvE4typeE',
    'void f<int, char>(std::enable_if<((2)>(0)), void>::type)',
  ],
  ['_Z1fDv4_f', 'f(float __vector(4))'],
  ['_Z1fPDoFvvE', 'f(void (*)() noexcept)'],
  ['_Z1fDn', 'f(decltype(nullptr))'],
  ['_Z1fILb1EXadL_Z1gvEEEvv', 'void f<true, &(g())>()'],
  ['_ZZ3foovEN3barC1Ev', 'foo()::bar::bar()'],
  ['_ZZ3foovEs_0', 'foo()::string literal'],
  ['_ZN1AUt_C1Ev', 'A::{unnamed type#1}::A()'],
];
for (const [symbol, name] of rows) {
  test(`${symbol} is ${name}`, () => assert.is(demangle(symbol), name));
}

const untouched = [
  'main',
  '_start',
  '',
  '_Z',
  '_Zfoo',
  '_Z9f',
  '_Z1fS_',
  '_Z1fT_',
  '_Z1fvv$',
  '_ZN1fv',
  '_Z1fv.123$',
  '_Z1fv.',
  '_ZNv',
  '_Z1fIXsZT_EEvv',
  '_ZZ3barvE1x.0',
  `_Z1f${'P'.repeat(500)}i`,
  `_Z1f${'1a'.repeat(9000)}`,
];
for (const symbol of untouched) {
  test(`${symbol.slice(0, 40) || 'an empty name'} is left alone`, () => {
    assert.is(demangle(symbol), symbol);
  });
}

test('a name that doubles at each step is left alone, at once', () => {
  const pairs = Array.from({ length: 30 }, (_, i) => {
    const last = i === 0 ? '1x' : `S${(2 * i).toString(36).toUpperCase()}_`;
    return `St4pairI${last}${last}E`;
  });
  const symbol = `_Z1f${pairs.join('')}`;
  const started = performance.now();
  assert.is(demangle(symbol), symbol);
  assert.ok(performance.now() - started < 200);
});

test('random letters give a text, and soon', () => {
  const letters = fc.constantFrom(...'_NSTIEJLKPRFAQCDtsabiv0123456789foo'.split(''));
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 60 }), (name) => {
      assert.type(demangle(`_Z${name.join('')}`), 'string');
    }),
    { numRuns: 20000 },
  );
});

test.run();
