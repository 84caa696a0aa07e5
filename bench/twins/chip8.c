/* The work of programs/chip8.tal: an emulator of the CHIP-8 and its guest program. */

#include <stdint.h>
#include <stdio.h>

static const uint16_t PROGRAM[] = {
	0x00e0, 0x6c00, 0x6d00, 0x6e00, 0xc03f, 0xc11f, 0xa260, 0xc203, 0x822e, 0x822e, 0xf21e, 0xd014,
	0x4f01, 0x7d01, 0x222c, 0x7c01, 0x3c00, 0x1208, 0x7e01, 0x3e20, 0x1208, 0x00fd,
	0xa270, 0xf265, 0x8014, 0x8103, 0x8124, 0x8205, 0xf255,
	0x6808, 0x8006, 0x3f00, 0x8104, 0x78ff, 0x3800, 0x123c, 0x00ee,
};
static const uint8_t SPRITES[] = {
	0x3c, 0x42, 0x42, 0x3c, 0x10, 0x38, 0x7c, 0x10, 0xfe, 0x82, 0x82, 0xfe, 0x99, 0x5a, 0x5a, 0x99,
};

static volatile uint16_t first_seed = 0x1234;
static uint16_t seed;
static uint8_t ram[4096], v[16], display[64 * 32];
static uint16_t pc = 0x200, at_index, calls[16];
static unsigned depth;
static int is_running = 1;

static uint8_t next_random(void)
{
	seed = (uint16_t)(seed * 0x6255u + 0x3619u);
	return (uint8_t)(seed >> 8);
}

static void arithmetic(uint8_t *x, uint8_t y, unsigned operation)
{
	unsigned flag = v[15], before = *x;

	switch (operation) {
	case 0: *x = y; return;
	case 1: *x |= y; return;
	case 2: *x &= y; return;
	case 3: *x ^= y; return;
	case 4: *x = (uint8_t)(before + y); flag = (before + y) >> 8; break;
	case 5: *x = (uint8_t)(before - y); flag = before >= y; break;
	case 6: *x = (uint8_t)(before >> 1); flag = before & 1; break;
	case 7: *x = (uint8_t)(y - before); flag = y >= before; break;
	case 14: *x = (uint8_t)(before << 1); flag = before >> 7; break;
	default: return;
	}
	v[15] = (uint8_t)flag;
}

static void draw(uint8_t left, uint8_t top, unsigned rows)
{
	unsigned row, column;

	v[15] = 0;
	for (row = 0; row < rows; row++) {
		uint8_t *line = display + 64 * ((top + row) & 31), bits = ram[at_index + row];

		for (column = left; bits; column++, bits = (uint8_t)(bits << 1)) {
			if (bits & 0x80) {
				v[15] |= line[column & 63];
				line[column & 63] ^= 1;
			}
		}
	}
}

static void step(void)
{
	unsigned code = ram[pc] << 8 | ram[pc + 1], low = code & 0xff, i;
	uint8_t *x = &v[code >> 8 & 15], y = v[code >> 4 & 15];

	pc += 2;
	switch (code >> 12) {
	case 0x0:
		if (low == 0xee)
			pc = calls[--depth];
		else if (low == 0xe0)
			for (i = 0; i < sizeof display; i++)
				display[i] = 0;
		else
			is_running = 0;
		break;
	case 0x1: pc = code & 0xfff; break;
	case 0x2: calls[depth++] = pc; pc = code & 0xfff; break;
	case 0x3: pc += *x == low ? 2 : 0; break;
	case 0x4: pc += *x != low ? 2 : 0; break;
	case 0x5: pc += *x == y ? 2 : 0; break;
	case 0x6: *x = (uint8_t)low; break;
	case 0x7: *x = (uint8_t)(*x + low); break;
	case 0x8: arithmetic(x, y, code & 15); break;
	case 0x9: pc += *x != y ? 2 : 0; break;
	case 0xa: at_index = code & 0xfff; break;
	case 0xc: *x = (uint8_t)(next_random() & low); break;
	case 0xd: draw(*x, y, code & 15); break;
	case 0xf:
		if (low == 0x1e)
			at_index = (uint16_t)(at_index + *x);
		for (i = 0; low == 0x55 && i <= (code >> 8 & 15); i++)
			ram[at_index + i] = v[i];
		for (i = 0; low == 0x65 && i <= (code >> 8 & 15); i++)
			v[i] = ram[at_index + i];
		break;
	}
}

int main(void)
{
	unsigned i;
	uint16_t sum = 0;

	seed = first_seed;
	for (i = 0; i < sizeof PROGRAM / sizeof *PROGRAM; i++) {
		ram[0x200 + 2 * i] = (uint8_t)(PROGRAM[i] >> 8);
		ram[0x201 + 2 * i] = (uint8_t)PROGRAM[i];
	}
	for (i = 0; i < sizeof SPRITES; i++)
		ram[0x260 + i] = SPRITES[i];
	for (i = 0; i < 3; i++)
		ram[0x270 + i] = (uint8_t)(i + 1);
	while (is_running)
		step();
	for (i = 0; i < sizeof display; i++)
		sum = (uint16_t)(sum * 0x25u + display[i]);
	printf("chip8 %02x %02x%02x%02x %04x\n", v[13], ram[0x270], ram[0x271], ram[0x272], sum);
	return 0;
}
