/* unrolled: the C twin of programs/unrolled.tal. Same algorithm, same widths, same output.
 * The number of rounds and the words' first values are volatile. */

#include <stdint.h>
#include <stdio.h>

/* a += b; c = rol3 of c ^ a; d = (d ^ a) + 9e37; and then b a d c. */
#define MIX                                      \
	a = (uint16_t)(a + b);                       \
	t = c ^ a;                                   \
	c = (uint16_t)((d ^ a) + 0x9e37u);           \
	d = (uint16_t)(t << 3 | t >> 13);            \
	t = a;                                       \
	a = b;                                       \
	b = t;
#define MIX4 MIX MIX MIX MIX
#define MIX16 MIX4 MIX4 MIX4 MIX4
#define MIX64 MIX16 MIX16 MIX16 MIX16

static volatile uint16_t words[4] = {0x0123, 0x4567, 0x89ab, 0xcdef};
static volatile uint16_t rounds = 20000;

int main(void)
{
	uint16_t a = words[0], b = words[1], c = words[2], d = words[3], t, left;

	for (left = rounds; left; left--) {
		MIX64 MIX64 MIX64 MIX64
	}
	printf("unrolled %04x %04x %04x %04x\n", d, c, b, a);
	return 0;
}
