	.file	"<stdin>"
	.text
	.globl	work
	.def	work;	.scl	2;	.type	32;	.endef
	.seh_proc	work
work:
	.seh_endprologue
	movl	%edx, %eax
	xorl	%edx, %edx
.L2:
	cmpl	%edx, %eax
	jle	.L5
	leaq	(%rcx,%rdx), %r8
	movb	%dl, (%r8)
	incq	%rdx
	jmp	.L2
.L5:
	movl	$2, %r8d
	cltd
	idivl	%r8d
	cltq
	addq	%rax, %rcx
	movsbl	(%rcx), %eax
	ret
	.seh_endproc
	.globl	large
	.def	large;	.scl	2;	.type	32;	.endef
	.seh_proc	large
large:
	movl	$9048, %eax
	call	___chkstk_ms
	subq	%rax, %rsp
	.seh_stackalloc	9048
	.seh_endprologue
	movl	%ecx, %edx
	leaq	40(%rsp), %rcx
	call	work
	addq	$9048, %rsp
	ret
	.seh_endproc
	.globl	medium
	.def	medium;	.scl	2;	.type	32;	.endef
	.seh_proc	medium
medium:
	subq	$952, %rsp
	.seh_stackalloc	952
	.seh_endprologue
	movl	%ecx, %r10d
	leaq	44(%rsp), %rcx
	movl	%r10d, %edx
	call	work
	movl	%r10d, %ecx
	movl	%eax, %r9d
	call	large
	addl	%r9d, %eax
	addq	$952, %rsp
	ret
	.seh_endproc
	.globl	dynamic
	.def	dynamic;	.scl	2;	.type	32;	.endef
	.seh_proc	dynamic
dynamic:
	pushq	%rbp
	.seh_pushreg	%rbp
	movq	%rsp, %rbp
	.seh_setframe	%rbp, 0
	subq	$32, %rsp
	.seh_stackalloc	32
	.seh_endprologue
	movslq	%ecx, %rax
	movq	%rax, %rdx
	addq	$15, %rax
	andq	$-16, %rax
	call	___chkstk_ms
	subq	%rax, %rsp
	leaq	32(%rsp), %rcx
	call	work
	movq	%rbp, %rsp
	popq	%rbp
	ret
	.seh_endproc
	.globl	variadic
	.def	variadic;	.scl	2;	.type	32;	.endef
	.seh_proc	variadic
variadic:
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$48, %rsp
	.seh_stackalloc	48
	.seh_endprologue
	xorl	%r10d, %r10d
	leaq	72(%rsp), %rax
	movq	%rdx, 72(%rsp)
	movl	%ecx, %r11d
	movq	%r8, 80(%rsp)
	movq	%rax, 40(%rsp)
	movq	%r9, 88(%rsp)
	xorl	%r9d, %r9d
.L10:
	cmpl	%r11d, %r9d
	jge	.L12
	movq	40(%rsp), %rax
	movl	%r9d, %ecx
	incl	%r9d
	movl	(%rax), %ebx
	leaq	8(%rax), %rdx
	movq	%rdx, 40(%rsp)
	call	large
	addl	%eax, %ebx
	addl	%ebx, %r10d
	jmp	.L10
.L12:
	movl	%r10d, %eax
	addq	$48, %rsp
	popq	%rbx
	ret
	.seh_endproc
	.globl	floating
	.def	floating;	.scl	2;	.type	32;	.endef
	.seh_proc	floating
floating:
	subq	$56, %rsp
	.seh_stackalloc	56
	movups	%xmm6, 32(%rsp)
	.seh_savexmm	%xmm6, 32
	.seh_endprologue
	xorl	%r9d, %r9d
	xorps	%xmm5, %xmm5
	movl	96(%rsp), %r10d
.L14:
	cmpl	%r10d, %r9d
	jge	.L16
	leal	5(%r9), %ecx
	movups	%xmm1, %xmm6
	incl	%r9d
	call	dynamic
	mulsd	%xmm2, %xmm6
	cvtsi2sdl	%eax, %xmm4
	mulsd	%xmm0, %xmm4
	addsd	%xmm6, %xmm4
	subsd	%xmm3, %xmm4
	addsd	%xmm4, %xmm5
	jmp	.L14
.L16:
	addsd	%xmm5, %xmm0
	movups	32(%rsp), %xmm6
	addq	$56, %rsp
	ret
	.seh_endproc
	.globl	crowded
	.def	crowded;	.scl	2;	.type	32;	.endef
	.seh_proc	crowded
crowded:
	pushq	%r15
	.seh_pushreg	%r15
	pushq	%r14
	.seh_pushreg	%r14
	pushq	%r13
	.seh_pushreg	%r13
	pushq	%r12
	.seh_pushreg	%r12
	pushq	%rbp
	.seh_pushreg	%rbp
	pushq	%rdi
	.seh_pushreg	%rdi
	pushq	%rsi
	.seh_pushreg	%rsi
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	xorl	%edi, %edi
	xorl	%r14d, %r14d
	xorl	%r13d, %r13d
	movl	144(%rsp), %r12d
	movl	160(%rsp), %ebp
	movl	%ecx, %r10d
	movl	%ecx, %r11d
	movl	%edx, %ebx
	movl	%r8d, %esi
	imull	%edx, %r10d
	imull	%r8d, %r10d
	imull	%r9d, %r10d
	imull	%r12d, %r10d
	imull	152(%rsp), %r10d
	imull	%ebp, %r10d
.L18:
	cmpl	%r11d, %r14d
	jge	.L20
	movl	%ebx, %ecx
	incl	%r14d
	call	large
	movl	%r9d, %ecx
	imull	%esi, %eax
	movl	%eax, %r15d
	call	large
	movl	152(%rsp), %ecx
	imull	%r12d, %eax
	addl	%eax, %r15d
	call	large
	imull	%ebp, %eax
	addl	%r15d, %eax
	addl	%edi, %eax
	addl	%r10d, %edi
	addl	%eax, %r13d
	jmp	.L18
.L20:
	movl	%r13d, %eax
	addq	$40, %rsp
	popq	%rbx
	popq	%rsi
	popq	%rdi
	popq	%rbp
	popq	%r12
	popq	%r13
	popq	%r14
	popq	%r15
	ret
	.seh_endproc
	.globl	two
	.def	two;	.scl	2;	.type	32;	.endef
	.seh_proc	two
two:
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	movl	%ecx, 48(%rsp)
	movl	%ecx, %edx
	leaq	48(%rsp), %rcx
	call	work
	addl	48(%rsp), %eax
	addq	$40, %rsp
	ret
	.seh_endproc
	.globl	three
	.def	three;	.scl	2;	.type	32;	.endef
	.seh_proc	three
three:
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	movl	%ecx, 48(%rsp)
	movl	%edx, 56(%rsp)
	movl	%ecx, %edx
	leaq	48(%rsp), %rcx
	call	work
	movl	56(%rsp), %edx
	leaq	56(%rsp), %rcx
	movl	%eax, %r9d
	call	work
	imull	48(%rsp), %eax
	addl	%r9d, %eax
	addl	56(%rsp), %eax
	addq	$40, %rsp
	ret
	.seh_endproc
	.globl	five
	.def	five;	.scl	2;	.type	32;	.endef
	.seh_proc	five
five:
	pushq	%rsi
	.seh_pushreg	%rsi
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	movl	%edx, %ebx
	movl	%r8d, %r11d
	movl	%ecx, %r10d
	call	large
	movl	%ebx, %ecx
	movl	%eax, %esi
	call	large
	movl	%r11d, %ecx
	imull	%r10d, %eax
	leal	(%rax,%rsi), %r10d
	call	large
	movl	%r9d, %ecx
	imull	%ebx, %eax
	addl	%eax, %r10d
	call	large
	imull	%r11d, %eax
	addl	%r10d, %eax
	addl	%r9d, %eax
	addq	$40, %rsp
	popq	%rbx
	popq	%rsi
	ret
	.seh_endproc
	.globl	early
	.def	early;	.scl	2;	.type	32;	.endef
	.seh_proc	early
early:
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	movl	$1, %eax
	movl	%ecx, %r9d
	testl	%ecx, %ecx
	js	.L24
	call	large
	leal	1(%r9), %ecx
	movl	%eax, %r10d
	call	large
	addl	%r10d, %eax
.L24:
	addq	$40, %rsp
	ret
	.seh_endproc
	.globl	tail
	.def	tail;	.scl	2;	.type	32;	.endef
	.seh_proc	tail
tail:
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	cmpl	$3, %ecx
	jle	.L28
	call	large
	movl	%eax, %ecx
	addq	$40, %rsp
	jmp	dynamic
.L28:
	addq	$40, %rsp
	jmp	early
	.seh_endproc
	.section	.text.unlikely,"x"
	.globl	fail
	.def	fail;	.scl	2;	.type	32;	.endef
	.seh_proc	fail
fail:
	subq	$40, %rsp
	.seh_stackalloc	40
	.seh_endprologue
	movl	%ecx, 48(%rsp)
.L30:
	movl	48(%rsp), %edx
	leaq	48(%rsp), %rcx
	call	work
	jmp	.L30
	.seh_endproc
	.text
	.globl	risky
	.def	risky;	.scl	2;	.type	32;	.endef
	.seh_proc	risky
risky:
	subq	$344, %rsp
	.seh_stackalloc	344
	.seh_endprologue
	leaq	36(%rsp), %r9
	movl	%ecx, %r11d
	movl	%ecx, %edx
	movq	%r9, %rcx
	call	work
	movl	%r11d, %ecx
	cmpl	$-100, %eax
	jge	.L32
	call	large
	movq	%r9, %rcx
	movl	%eax, %edx
	call	work
	movl	%r11d, %ecx
	call	fail
.L32:
	call	medium
	addl	%r11d, %eax
	addq	$344, %rsp
	ret
	.seh_endproc
	.globl	start
	.def	start;	.scl	2;	.type	32;	.endef
	.seh_proc	start
start:
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$64, %rsp
	.seh_stackalloc	64
	.seh_endprologue
	movl	$4, %r9d
	movl	$2, %edx
	movl	$1, %ecx
	movl	$3, %r8d
	movl	$7, 48(%rsp)
	movl	$6, 40(%rsp)
	movl	$5, 32(%rsp)
	call	crowded
	movl	$7, %r8d
	movl	$3, %edx
	movl	$2, %ecx
	movl	%eax, %ebx
	call	variadic
	movl	$2, %ecx
	addl	%eax, %ebx
	call	large
	movl	$3, %ecx
	movl	%eax, %r11d
	call	large
	movl	$6, 32(%rsp)
	movsd	.LC1(%rip), %xmm3
	movsd	.LC2(%rip), %xmm2
	movsd	.LC3(%rip), %xmm1
	addl	%eax, %r11d
	movsd	.LC4(%rip), %xmm0
	addl	%ebx, %r11d
	call	floating
	movl	$3, %ecx
	call	medium
	cvttsd2sil	%xmm0, %ebx
	movl	$2, %edx
	movl	$1, %ecx
	addl	%r11d, %ebx
	addl	%eax, %ebx
	call	three
	movl	$3, %r8d
	movl	$2, %edx
	movl	$4, %r9d
	movl	$1, %ecx
	addl	%eax, %ebx
	call	five
	movl	$3, %ecx
	addl	%eax, %ebx
	call	two
	movl	$5, %ecx
	addl	%eax, %ebx
	call	risky
	addl	%ebx, %eax
	addq	$64, %rsp
	popq	%rbx
	ret
	.seh_endproc
	.globl	_fltused
	.bss
	.align 4
_fltused:
	.space 4
	.section .rdata,"dr"
	.align 8
.LC1:
	.long	0
	.long	1075052544
	.align 8
.LC2:
	.long	0
	.long	1074266112
	.align 8
.LC3:
	.long	0
	.long	1073741824
	.align 8
.LC4:
	.long	0
	.long	1074790400
