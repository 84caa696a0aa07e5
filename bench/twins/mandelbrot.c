/* mandelbrot: the C twin of programs/mandelbrot.tal. Same algorithm, same widths, same output.
 * The number of images is volatile. */

#include <stdint.h>
#include <stdio.h>

#define COLUMNS 72
#define ROWS 28
#define LEFT 0xe000u
#define TOP 0xed00u
#define STEP_X 0x00aau
#define STEP_Y 0x015du
#define FOUR 0x4000u
#define LIMIT 200

static volatile uint8_t images = 12;
static uint16_t total;

static uint16_t product(uint16_t a, uint16_t b)
{
	uint8_t ah = a >> 8, al = (uint8_t)a, bh = b >> 8, bl = (uint8_t)b;
	uint16_t middle = (uint16_t)(ah * bl + al * bh);

	return (uint16_t)((ah * bh << 4) + (middle >> 4) + (al * bl >> 12));
}

static uint16_t magnitude(uint16_t a)
{
	return a & 0x8000u ? (uint16_t)-a : a;
}

static uint16_t multiply(uint16_t a, uint16_t b)
{
	uint16_t result = product(magnitude(a), magnitude(b));

	return (a ^ b) & 0x8000u ? (uint16_t)-result : result;
}

static uint16_t square(uint16_t a)
{
	return product(magnitude(a), magnitude(a));
}

static uint8_t escape(uint16_t cx, uint16_t cy)
{
	uint16_t zx = cx, zy = cy, xx, yy;
	uint8_t iterations = 0;

	do {
		xx = square(zx);
		yy = square(zy);
		if ((uint16_t)(xx + yy) >= FOUR)
			break;
		zy = (uint16_t)(2 * multiply(zx, zy) + cy);
		zx = (uint16_t)(xx - yy + cx);
		iterations++;
	} while (iterations != LIMIT);
	return iterations;
}

static void plot(uint8_t iterations)
{
	int shade = 0;

	for (; iterations; iterations >>= 1)
		shade++;
	putchar(" .:-=+*#%@"[shade]);
}

static void image(int draw)
{
	uint16_t x, y = TOP;
	uint8_t row, column, iterations;

	for (row = ROWS; row; row--) {
		x = LEFT;
		for (column = COLUMNS; column; column--) {
			iterations = escape(x, y);
			total += iterations;
			if (draw)
				plot(iterations);
			x = (uint16_t)(x + STEP_X);
		}
		if (draw)
			putchar('\n');
		y = (uint16_t)(y + STEP_Y);
	}
}

int main(void)
{
	uint8_t left;

	for (left = images; left; left--)
		image(left == 1);
	printf("mandelbrot %04x\n", total);
	return 0;
}
