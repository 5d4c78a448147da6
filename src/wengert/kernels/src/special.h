// Special functions in vectors: error functions, the gamma family, Bessel functions of order 0 and 1.
//
// Each is one or two polynomials over its main range, chosen between without branches; what is rare (tails, negative arguments
// of the gamma family) is computed for 64 elements more where one of them needs it.  All coefficients are Chebyshev
// interpolants of our own, computed with 60 digits and turned into powers; the maximal errors against mpmath are asserted in
// tests/kernels/test_special.py.  Values at poles and infinities are PyTorch's.
#pragma once
#include "log.h"

namespace wengert::special {

using vmath::choose;

// (a + 4) exp(a**2) erfc(a) for a >= 0, where u = (a - 4)/(a + 4).
WENGERT_INLINE float erfcx_part(float u) {
  return vmath::polynomial(u, 1.095995657f, -0.9765486831f, 0.7732089465f, -0.5408551274f, 0.3308488723f,
                            -0.1740004568f, 0.07639220441f, -0.02640657055f, 0.006094501234f, -0.0002184420429f,
                            -0.0004453942826f, 0.0001240750806f);
}
WENGERT_INLINE double erfcx_part(double u) {
  return vmath::polynomial(u, 1.09599566100049112, -0.9765487290808820046, 0.7732087022652368404,
                            -0.5408538313132345375, 0.3308515878780226646, -0.1740109372399321281,
                            0.07638151490918350657, -0.02637005334070313898, 0.006112055655613929823,
                            -0.0002809588591250073881, -0.0004550526714402558975, 0.0001768127678131088548,
                            -3.635286414461685393e-6, -1.886065517439042847e-5, 4.694953600514839566e-6,
                            1.423543780888883276e-6, -8.477202827598294345e-7, -7.440134079315679328e-8,
                            1.267836397429493146e-7, -2.7628292739452342e-10, -1.809690573463593381e-8,
                            7.054882560385151098e-10, 2.282283310732059317e-9, -7.652918351368929003e-11,
                            -1.791502752209177915e-10);
}
// erfinv(x)/x for w = -log(1 - x**2) <= 6.25, as a polynomial in u = w - 3.125.
WENGERT_INLINE float erfinv_middle(float u) {
  return vmath::polynomial(u, 1.653654563f, 0.2401581786f, -0.006033671587f, -0.0007406914052f, 0.0001867353343f,
                            -1.389192858e-5f, -1.366119755e-6f, 4.269355432e-7f, -2.889956405e-8f, -4.747681507e-9f,
                            1.03094295e-9f, 5.500080786e-12f, -1.238387905e-11f);
}
WENGERT_INLINE double erfinv_middle(double u) {
  return vmath::polynomial(u, 1.653654562683102714, 0.240158182425588344, -0.006033670871426907335,
                            -0.0007407025341546571921, 0.0001867342080200855299, -1.388252339392044189e-5,
                            -1.365469176400138592e-6, 4.234788167771692769e-7, -2.90703907619368836e-8,
                            -4.112660406648258072e-9, 1.051223078467489163e-9, -5.414304547208058167e-11,
                            -1.297869533465644525e-11, 2.63053019262310655e-12, -8.074595688729043221e-14,
                            -4.002061774855267609e-14, 6.52565514140107659e-15, -3.933508641199521581e-17,
                            -1.226184846370976365e-16, 1.550600949667920496e-17, 6.388447500191610073e-19,
                            -3.471530767602300355e-19, 1.877151678052992222e-20, 3.190558617341753775e-21,
                            -3.385033015721010391e-22);
}
// The same above, in u = sqrt(w) - erfinv_centre.
WENGERT_INLINE float erfinv_tail(float u) {
  return vmath::polynomial(u, 3.14673439f, 1.005888712f, 0.004722585417f, -0.003190640457f, 0.002009805791f,
                            -0.001353323386f, 0.0008329437906f, -0.0003534031855f, -3.052646233e-6f, 6.627503111e-5f);
}
WENGERT_INLINE double erfinv_tail(double u) {
  return vmath::polynomial(u, 4.123785922523308167, 1.010021068692179121, 0.0006569837793594794201,
                            -0.0005819879527829065198, 0.0002024225854027727082, -6.04980585823330927e-5,
                            1.990024103861249932e-5, -8.853443898850686e-6, 4.967076132219042587e-6,
                            -2.77247348947063772e-6, 1.319259328669444675e-6, -4.786626570965133719e-7,
                            1.012062882798665203e-7, 1.377933956750499312e-8, -2.421779856137303474e-8,
                            1.185929299056026814e-8, -3.091275607485949485e-9, 6.250321769119830056e-11,
                            3.484933869688319356e-10, -1.76479218431817941e-10, 3.971281445531974536e-11,
                            4.071335765336720404e-12, -4.852117758676208168e-12, 4.244179251900428604e-13,
                            1.520001135036834313e-13, 1.48901096692141934e-13, -5.358511548145234769e-14,
                            -2.151818520411472422e-14, 8.399479196411003838e-15, 7.42022758743707353e-16,
                            -3.729953983472317891e-16);
}
// i0(x) and 2 i1(x)/x for |x| <= 8, as polynomials in v = x**2/4.
WENGERT_INLINE float i0_near(float v) {
  return vmath::polynomial(v, 0.9999999997f, 1.000000005f, 0.249999986f, 0.027777794f, 0.001736101402f,
                            6.944786796e-5f, 1.928248924e-6f, 3.947926454e-8f, 6.042841031e-10f, 8.281645529e-12f,
                            4.880765084e-14f, 1.212325898e-15f);
}
WENGERT_INLINE double i0_near(double v) {
  return vmath::polynomial(v, 1.0, 0.9999999999999999849, 0.2500000000000000902, 0.02777777777777756394,
                            0.001736111111111377853, 6.944444444424265473e-5, 1.929012345779622918e-6,
                            3.936759885655968634e-8, 6.151187413557679889e-10, 7.594056840734792248e-12,
                            7.594080018984368833e-14, 6.275862240680014265e-16, 4.360039776280281693e-18,
                            2.569859089813575888e-20, 1.351002302955119799e-22, 4.939910985617876439e-25,
                            3.64603208324261474e-27);
}
WENGERT_INLINE float i1_near(float v) {
  return vmath::polynomial(v, 1.000000001f, 0.4999999881f, 0.08333336281f, 0.006944415895f, 0.0003472363784f,
                            1.156998907e-5f, 2.763054514e-7f, 4.837128162e-9f, 7.444985948e-11f, 4.888593822e-13f,
                            1.334503705e-14f);
}
WENGERT_INLINE double i1_near(double v) {
  return vmath::polynomial(v, 0.9999999999999999982, 0.5000000000000000566, 0.08333333333333303294,
                            0.006944444444445073946, 0.0003472222222215297677, 1.157407407453440678e-5,
                            2.755731920391341957e-7, 4.92094992184268753e-9, 6.834651288914559492e-11,
                            7.594078640571913642e-13, 6.90345857780368042e-15, 5.231996869310820153e-17,
                            3.340982277500557288e-19, 1.891097971873531953e-21, 7.41192963008626938e-24,
                            5.834719583156167981e-26);
}
// exp(-x) sqrt(x) i0(x) and the same of i1 for x >= 8, in u = 1/x - 1/16.
WENGERT_INLINE float i0_far(float u) {
  return vmath::polynomial(u, 0.4021765094f, 0.0537688912f, 0.03487159405f, 0.04551535938f, 0.09673872077f,
                            0.3802839525f, 1.823338185f);
}
WENGERT_INLINE double i0_far(double u) {
  return vmath::polynomial(u, 0.4021765094450080772, 0.05376883173868578486, 0.03487131504433421,
                            0.045641866407657627, 0.09724543407409888222, 0.3118044113605642058, 1.488511469422796979,
                            10.55645069104178177, 92.54957868357662004, 519.1544729811255583, -7419.12838299546085,
                            -2.358921720194916427e+5, -1.521307951110984387e+6, 3.40138102642635953e+7,
                            5.35421405286323698e+8, -4.042104207882646819e+9, -1.09823971752731178e+11,
                            4.486489280965527919e+11, 1.717975503877966674e+13, -4.318769517700317896e+13,
                            -1.957227549891221163e+15, 2.955427622574182938e+15, 1.416540010632383681e+17,
                            -1.00325653070025476e+17, -4.807273001524159593e+18);
}
WENGERT_INLINE float i1_far(float u) {
  return vmath::polynomial(u, 0.3893984591f, -0.1559933019f, -0.0561247041f, -0.06145624255f, -0.1196484678f,
                            -0.4414872124f, -2.059104166f);
}
WENGERT_INLINE double i1_far(double u) {
  return vmath::polynomial(u, 0.3893984590258723285, -0.1559932350917717793, -0.05612435554147565662,
                            -0.06159788933352331947, -0.1202526704565023347, -0.3653087538492782376,
                            -1.677937740012198417, -11.57740037322474674, -100.3902572330245155,
                            -579.1516760148845802, 7404.622371272452643, 2.468929396458841059e+5,
                            1.681654686582400621e+6, -3.441828337573819873e+7, -5.684156305820022551e+8,
                            3.950179030209428002e+9, 1.151582495997979453e+11, -4.246366856117582604e+11,
                            -1.791982665377518022e+13, 4.001261454267474831e+13, 2.036917237180171037e+15,
                            -2.71024247273394893e+15, -1.472783095034264037e+17, 9.168242772145485417e+16,
                            4.996100354490996464e+18);
}
// lgamma(2 + z)/z for |z| <= 1/2.
WENGERT_INLINE float lgamma_near(float z) {
  return vmath::polynomial(z, 0.422784335f, 0.3224670179f, -0.0673522813f, 0.02058163064f, -0.007386177637f,
                            0.00287882691f, -0.001185837698f, 0.0005703469214f, -0.0002538618465f);
}
WENGERT_INLINE double lgamma_near(double z) {
  return vmath::polynomial(z, 0.4227843350984671394, 0.3224670334241132359, -0.06735230105319813991,
                            0.02058080842778033543, -0.007385551028668096211, 0.002890510331036772129,
                            -0.001192753912003387288, 0.0005096695153484373136, -0.0002231547506964770285,
                            9.945767440096763786e-5, -4.492635166770341774e-5, 2.050558437289693128e-5,
                            -9.438454884054722693e-6, 4.384731931829374526e-6, -2.044935323180052052e-6,
                            9.199898075671394666e-7, -4.303234692956731879e-7, 2.788001339249184494e-7,
                            -1.34157027346002598e-7);
}
// x (lgamma(x) - (x - 1/2) log(x) + x - log(2 pi)/2) for x >= 2.5, in v = 1/x**2.
WENGERT_INLINE float lgamma_far(float v) {
  return vmath::polynomial(v, 0.08333333102f, -0.002777297724f, 0.0007776564543f, -0.0004125106411f);
}
WENGERT_INLINE double lgamma_far(double v) {
  return vmath::polynomial(v, 0.08333333333333333051, -0.002777777777770551659, 0.0007936507905629272706,
                            -0.0005952375696014037228, 0.0008417034214951199993, -0.001914907495014885197,
                            0.006313448778454302095, -0.02699940090774412234, 0.128950616233711537,
                            -0.5843352062745063369, 2.182979027252900527, -5.948007408488261002, 10.20252992270147473,
                            -8.152587117598239023);
}
// digamma(x0 + z)/z around its root x0, for 1 <= x0 + z <= 2.
WENGERT_INLINE float digamma_near(float z) {
  return vmath::polynomial(z, 0.9676722477f, -0.4427632329f, 0.2584992337f, -0.1639373594f, 0.1078424795f,
                            -0.07232687724f, 0.04859829378f, -0.03191369973f, 0.02331215663f, -0.02069759711f,
                            0.01123287529f);
}
WENGERT_INLINE double digamma_near(double z) {
  return vmath::polynomial(z, 0.9676722454476211728, -0.4427631689835921042, 0.2584997609556484769,
                            -0.1639427054424061743, 0.1078240506917075009, -0.07219956125665857994,
                            0.04880428813365283461, -0.03316112645381418123, 0.02259764930192412119,
                            -0.01542476685873698035, 0.01053876979478060431, -0.007204510808598274165,
                            0.004927056979848529077, -0.003370150714631747486, 0.002302922747890853029,
                            -0.001573713141444024685, 0.00108981284863623621, -0.0007567031090072165964,
                            0.0004732647063387656252, -0.0002806747589560103913, 0.0002769360247368758091,
                            -0.0002817038135506411306, 0.000122415910000242664);
}
// x**2 (log(x) - digamma(x)) - x/2 for x >= 2, in v = 1/x**2.
WENGERT_INLINE float digamma_far(float v) {
  return vmath::polynomial(v, 0.08333332547f, -0.008331661865f, 0.003909329382f, -0.003382569016f, 0.00243139065f);
}
WENGERT_INLINE double digamma_far(double v) {
  return vmath::polynomial(v, 0.08333333333333331844, -0.008333333333292609738, 0.003968253949582516063,
                            -0.004166663232547698734, 0.00757541909016227665, -0.02107205075569459355,
                            0.08246580669973275635, -0.4167854472266328832, 2.429852499985020467,
                            -14.42077928109309265, 78.49943687680136159, -364.2714379629994468, 1368.693665316936245,
                            -3988.792308049930594, 8603.585240799390335, -12858.15547535622341, 11847.12119713404992,
                            -5058.150322492067556);
}
// trigamma(3/2 + z) for |z| <= 1/2.
WENGERT_INLINE float trigamma_near(float z) {
  return vmath::polynomial(z, 0.9348022008f, -0.8287966049f, 0.7045454086f, -0.5790459849f, 0.4630713712f,
                            -0.3620126496f, 0.2779194725f, -0.2121370165f, 0.158847814f, -0.1043695578f,
                            0.07490204771f, -0.09602100692f, 0.0713331137f);
}
WENGERT_INLINE double trigamma_near(double z) {
  return vmath::polynomial(z, 0.9348022005446793097, -0.8287966442343199041, 0.7045455170012181783,
                            -0.5790416377779087306, 0.4630645251015769839, -0.3621493650205592295,
                            0.2780808133220816267, -0.2103098732868932618, 0.1570532022094996012,
                            -0.1160407179947086765, 0.08496878329898323367, -0.06174052306421801487,
                            0.04456673708954391714, -0.03198427331225863595, 0.02284097785018122549,
                            -0.01625976497188236309, 0.01152032646173337446, -0.008019095725740303224,
                            0.005627134938800116881, -0.004391182152045137733, 0.003115695347640305314,
                            -0.001063775547956938956, 0.0006775788762954757265, -0.002089183361527624819,
                            0.001493378322743819139);
}
// x trigamma(x) for x >= 2, in t = 1/x.
WENGERT_INLINE float trigamma_far(float t) {
  return vmath::polynomial(t, 0.9999999988f, 0.5000003065f, 0.1666541795f, 0.0001895956783f, -0.03468230099f,
                            0.004613429043f, 0.01863388978f, -0.01112886948f);
}
WENGERT_INLINE double trigamma_far(double t) {
  return vmath::polynomial(t, 0.999999999999999998, 0.5000000000000032197, 0.1666666666657875225,
                            9.552529159866852763e-11, -0.03333333883646295128, 1.941566869594945016e-7,
                            0.02380495452046590007, 7.578108498014931471e-5, -0.03425194251702587963,
                            0.008333199777095449805, 0.01844350726856201369, 0.2995257370509913933,
                            -1.428022682388312251, 3.330121298673423664, -4.994216025817739515, 5.090941433025872331,
                            -3.454409158858415022, 1.419674274699885292, -0.2687486310458900687);
}
// polygamma(2, 3/2 + z) for |z| <= 1/2.
WENGERT_INLINE float tetragamma_near(float z) {
  return vmath::polynomial(z, -0.8287966441f, 1.409091052f, -1.737124974f, 1.852255383f, -1.810741816f, 1.668600496f,
                            -1.472326871f, 1.254269583f, -1.041941402f, 0.8701152867f, -0.699172528f, 0.4332663928f,
                            -0.3261290482f, 0.5636412955f, -0.4416659199f);
}
WENGERT_INLINE double tetragamma_near(double z) {
  return vmath::polynomial(z, -0.8287966442343199954, 1.409091034002437301, -1.737124913333612938,
                            1.85225810040588495, -1.810746825125881588, 1.668484879988323822, -1.472169111177669708,
                            1.256425614272777849, -1.044366536450549445, 0.8496879486992770125,
                            -0.6791439772052358516, 0.5347984214876130693, -0.4158222000772020949,
                            0.3198067501137734183, -0.2436358996290363616, 0.1840229585992881724,
                            -0.1380013054714450942, 0.1031553584740968684, -0.0764667379720808274,
                            0.05462783431368847925, -0.03985093123995809745, 0.03511012621560965705,
                            -0.02603465436406637849, 0.005176644489527827836, -0.003042946378189895259,
                            0.020442956837549221, -0.01510513661638722603);
}
// x**2 polygamma(2, x) for x >= 2, in t = 1/x.
WENGERT_INLINE float tetragamma_far(float t) {
  return vmath::polynomial(t, -1.0f, -0.9999999911f, -0.5000021488f, 9.125223858e-5f, 0.1650396932f, 0.01527588545f,
                            -0.2490756762f, 0.2560998115f, -0.09406058014f);
}
WENGERT_INLINE double tetragamma_far(double t) {
  return vmath::polynomial(t, -0.9999999999999999918, -1.000000000000014668, -0.49999999999563281,
                            -5.166188701182396766e-10, 0.1666666990235803198, -1.239466259892584432e-6,
                            -0.1666350397549954165, -0.0005678300162039620164, 0.3074369942282567869,
                            -0.072701518428714074, -0.2965997900085262023, -2.991774348001378201,
                            15.66143145296514555, -36.00890660516428287, 45.39350851209577974, -19.38236003441236088,
                            -38.3135332428271126, 83.75152427200570768, -78.73497810412853266, 39.1950793108034013,
                            -8.426156899540018202);
}
// sin(pi r)/(pi r) and cos(pi r)/(1 - 4 r**2) for |r| <= 1/2, as polynomials in v = r**2.
WENGERT_INLINE float sine_ratio(float v) {
  return vmath::polynomial(v, 1.0f, -1.644934062f, 0.8117421958f, -0.1907478989f, 0.02611745406f, -0.002237204878f);
}
WENGERT_INLINE double sine_ratio(double v) {
  return vmath::polynomial(v, 0.9999999999999999998, -1.644934066848226302, 0.8117424252833393425,
                            -0.190751824121496588, 0.02614784780555753731, -0.002346080895520073346,
                            0.000148427841684141605, -6.972100313670778977e-6, 2.450300890153346544e-7);
}
WENGERT_INLINE float cosine_ratio(float v) {
  return vmath::polynomial(v, 0.9999999991f, -0.9348020254f, 0.3194977069f, -0.05718632089f, 0.006041874091f);
}
WENGERT_INLINE double cosine_ratio(double v) {
  return vmath::polynomial(v, 1.0, -0.9348022005446792929, 0.3195033242380492213, -0.05724947190231329066,
                            0.00633274274786293901, -0.0004759203753998639542, 2.589262197352216965e-5,
                            -1.06668517010213833e-6, 3.347893997767547044e-8);
}

template <class T> struct Constants;
template <> struct Constants<float> {
  static constexpr float erfinv_centre = 3.3125f, root_high = 1.46163213f, root_low = 1.24381499e-8f;
  static constexpr int32_t head = ~0xfff;  // half of the mantissa
};
template <> struct Constants<double> {
  static constexpr double erfinv_centre = 4.28125, root_high = 1.4616321449683622, root_low = 9.5499954299656977e-17;
  static constexpr int64_t head = ~0x7ffffffLL;
};

// x**2 - square, what the rounding of x * x dropped.
template <class T> WENGERT_INLINE T dropped(T x, T square) {
  using Int = typename vmath::Format<T>::Int;
  const T head = vmath::bits<T>(static_cast<Int>(vmath::bits<Int>(x) & Constants<T>::head)), tail = x - head;
  return ((head * head - square) + T(2) * head * tail) + tail * tail;
}

// ---- error functions -----------------------------------------------------------------------------------------------------

// exp(a**2) erfc(a) for a >= 0.
template <class T> WENGERT_INLINE T erfcx_above(T a) {
  const T t = T(1) / (a + T(4));
  return t * erfcx_part((a - T(4)) * t);
}

template <class T> WENGERT_INLINE T erfc(T x) {
  T a = std::fabs(x);
  a = choose(a > T(30), T(30), a);  // 0 comes earlier
  const T square = a * a, scaled = erfcx_above(a);
  const T above = vmath::exp(-square) * (scaled - scaled * dropped(a, square));
  return choose(x < T(0), T(2) - above, above);
}

// exp(x**2) erfc(x): infinite below -9.4 and -26.7.
template <class T> WENGERT_INLINE T erfcx(T x) {
  const T a = std::fabs(x), bounded = choose(a > T(30), T(30), a), square = bounded * bounded;
  const T above = choose(a > T(1e18), T(0.56418958354775628695) / a, erfcx_above(a));
  return choose(x < T(0), T(2) * vmath::exp(square) * (T(1) + dropped(bounded, square)) - above, above);
}

// erfinv(x) for w = -log(1 - x**2) above 6.25.
template <class T> WENGERT_INLINE T erfinv_far(T x, T w) {
  const T out = x * erfinv_tail(std::sqrt(w) - Constants<T>::erfinv_centre);
  return choose(std::fabs(x) == T(1), std::copysign(T(INFINITY), x), out);
}

// ---- gamma family: functions of positive numbers, and their reflection at 1/2 ------------------------------------------

// x = whole + r with |r| <= 1/2: sin(pi r)/pi and cos(pi r).
template <class T> struct Turn {
  T r, sine, cosine;
};
template <class T> WENGERT_INLINE Turn<T> turn(T x) {
  const T r = x - std::rint(x), v = r * r;
  return {r, r * sine_ratio(v), (T(1) - T(2) * r) * (T(1) + T(2) * r) * cosine_ratio(v)};
}

struct Lgamma {
  static constexpr bool logarithmic = true;  // `above` is given the logarithm of `argument`
  template <class T> WENGERT_INLINE T argument(T x) { return choose(x < T(0.5), x * (x + T(1)), x); }
  // Below 2.5 around the roots 1 and 2, moved to 2; Stirling's formula above.
  template <class T> WENGERT_INLINE T above(T x, T logarithm) {
    const bool tiny = x < T(0.5), low = x < T(1.5);
    const T t = T(1) / x;
    const T z = choose(tiny, x, x - choose(low, T(1), T(2)));
    const T near = z * lgamma_near(z) - choose(low, logarithm, T(0));
    const T far = (x - T(0.5)) * (logarithm - T(1)) + (T(0.41893853320467274178) + t * lgamma_far(t * t));
    return choose(x < T(2.5), near, far);
  }
  template <class T> WENGERT_INLINE T below(T x, T mirrored) {
    const T out = -vmath::log(std::fabs(turn(x).sine)) - mirrored;
    return choose(x == -T(INFINITY), T(INFINITY), out);
  }
};

struct Digamma {
  static constexpr bool logarithmic = true;
  template <class T> WENGERT_INLINE T argument(T x) { return x; }
  template <class T> WENGERT_INLINE T above(T x, T logarithm) {
    using C = Constants<T>;
    const bool low = x < T(1);
    const T t = T(1) / x, z = (x - choose(low, C::root_high - T(1), C::root_high)) - C::root_low;
    const T near = z * digamma_near(z) - choose(low, t, T(0));
    const T far = logarithm - t * (T(0.5) + t * digamma_far(t * t));
    return choose(x < T(2), near, far);
  }
  template <class T> WENGERT_INLINE T below(T x, T mirrored) {
    const Turn<T> at = turn(x);
    return choose(at.r == T(0), T(NAN), mirrored - at.cosine / at.sine);
  }
};

struct Trigamma {
  static constexpr bool logarithmic = false;
  template <class T> WENGERT_INLINE T above(T x, T) {
    const bool low = x < T(1);
    const T t = T(1) / x;
    const T near = trigamma_near(x - choose(low, T(0.5), T(1.5))) + choose(low, t * t, T(0));
    return choose(x < T(2), near, t * trigamma_far(t));
  }
  template <class T> WENGERT_INLINE T below(T x, T mirrored) {
    const T inverse = T(1) / turn(x).sine;
    return inverse * inverse - mirrored;
  }
};

// The derivative of trigamma.
struct Tetragamma {
  static constexpr bool logarithmic = false;
  template <class T> WENGERT_INLINE T above(T x, T) {
    const bool low = x < T(1);
    const T t = T(1) / std::fabs(x), square = t * t;  // |x|: -infinity at -0 too
    const T near = tetragamma_near(x - choose(low, T(0.5), T(1.5))) - choose(low, T(2) * square * t, T(0));
    return choose(x < T(2), near, square * tetragamma_far(t));
  }
  template <class T> WENGERT_INLINE T below(T x, T mirrored) {
    const Turn<T> at = turn(x);
    const T inverse = T(1) / at.sine, out = mirrored - T(2) * at.cosine * inverse * inverse * inverse;
    return choose(at.r == T(0), -T(INFINITY), out);
  }
};

// ---- Bessel functions ------------------------------------------------------------------------------------------------------

// Order 0 or 1, times exp(-|x|) where `scaled`.
template <int order, bool scaled, class T> WENGERT_INLINE T bessel_near(T x) {
  const T a = std::fabs(x), v = a * a * T(0.25), ratio = order ? a * T(0.5) * i1_near(v) : i0_near(v);
  const T out = scaled ? ratio * vmath::exp(-a) : ratio;
  return order ? choose(x < T(0), -out, out) : out;
}
template <int order, bool scaled, class T> WENGERT_INLINE T bessel_far(T x) {
  const T a = std::fabs(x), u = T(1) / a - T(0.0625), ratio = (order ? i1_far(u) : i0_far(u)) / std::sqrt(a);
  const T out = scaled ? ratio : vmath::exp(a - T(8)) * (ratio * T(2980.9579870417282747));  // exp(a) overflows earlier
  return order ? choose(x < T(0), -out, out) : out;
}

// ---- n numbers -------------------------------------------------------------------------------------------------------------

constexpr std::ptrdiff_t PART = 64;  // elements that are looked at together: is one of them rare?

template <class Function, class T> __attribute__((noinline)) void gammas(T* out, const T* a, std::ptrdiff_t n) {
  T x[PART], mirrored[PART], logarithm[PART];
  for (std::ptrdiff_t start = 0; start < n; start += PART, a += PART, out += PART) {
    const std::ptrdiff_t count = n - start < PART ? n - start : PART;
    typename vmath::Format<T>::Int any = 0;  // as wide as T: of a bool gcc makes slow code
    for (std::ptrdiff_t i = 0; i < count; i++) {
      x[i] = a[i];
      any |= x[i] < T(0);
      mirrored[i] = choose(x[i] < T(0), T(1) - x[i], x[i]);
    }
    if constexpr (Function::logarithmic) {
      for (std::ptrdiff_t i = 0; i < count; i++) logarithm[i] = Function::argument(mirrored[i]);
      logs::logarithms(logarithm, logarithm, count);
    }
#pragma GCC ivdep
    for (std::ptrdiff_t i = 0; i < count; i++)
      out[i] = Function::above(mirrored[i], Function::logarithmic ? logarithm[i] : T(0));
    if (any) {
#pragma GCC ivdep
      for (std::ptrdiff_t i = 0; i < count; i++) out[i] = choose(x[i] < T(0), Function::below(x[i], out[i]), out[i]);
    }
  }
}

template <int order, bool scaled, class T>
__attribute__((noinline)) void bessels(T* out, const T* a, std::ptrdiff_t n) {
  T x[PART];
  for (std::ptrdiff_t start = 0; start < n; start += PART, a += PART, out += PART) {
    const std::ptrdiff_t count = n - start < PART ? n - start : PART;
    typename vmath::Format<T>::Int any = 0;
    for (std::ptrdiff_t i = 0; i < count; i++) {
      x[i] = a[i];
      any |= std::fabs(x[i]) > T(8);
    }
#pragma GCC ivdep
    for (std::ptrdiff_t i = 0; i < count; i++) out[i] = bessel_near<order, scaled>(x[i]);
    if (any) {
#pragma GCC ivdep
      for (std::ptrdiff_t i = 0; i < count; i++)
        out[i] = choose(std::fabs(x[i]) > T(8), bessel_far<order, scaled>(x[i]), out[i]);
    }
  }
}

template <class T> __attribute__((noinline)) void erfinvs(T* out, const T* a, std::ptrdiff_t n) {
  T x[PART], w[PART];
  for (std::ptrdiff_t start = 0; start < n; start += PART, a += PART, out += PART) {
    const std::ptrdiff_t count = n - start < PART ? n - start : PART;
    typename vmath::Format<T>::Int any = 0;
    for (std::ptrdiff_t i = 0; i < count; i++) {
      x[i] = a[i];
      w[i] = (T(1) - x[i]) * (T(1) + x[i]);
    }
    logs::logarithms(w, w, count);
    for (std::ptrdiff_t i = 0; i < count; i++) any |= w[i] < T(-6.25);
#pragma GCC ivdep
    for (std::ptrdiff_t i = 0; i < count; i++) out[i] = x[i] * erfinv_middle(-w[i] - T(3.125));
    if (any) {
#pragma GCC ivdep
      for (std::ptrdiff_t i = 0; i < count; i++) out[i] = choose(w[i] < T(-6.25), erfinv_far(x[i], -w[i]), out[i]);
    }
  }
}

}  // namespace wengert::special
