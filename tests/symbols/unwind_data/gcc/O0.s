	.file	"<stdin>"
	.text
	.globl	work
	.def	work;	.scl	2;	.type	32;	.endef
	.seh_proc	work
work:
	pushq	%rbp
	.seh_pushreg	%rbp
	movq	%rsp, %rbp
	.seh_setframe	%rbp, 0
	subq	$16, %rsp
	.seh_stackalloc	16
	.seh_endprologue
	movq	%rcx, 16(%rbp)
	movl	%edx, 24(%rbp)
	movq	16(%rbp), %rax
	movq	%rax, -16(%rbp)
	movl	$0, -4(%rbp)
	jmp	.L2
.L3:
	movl	-4(%rbp), %eax
	movslq	%eax, %rdx
	movq	-16(%rbp), %rax
	addq	%rdx, %rax
	movl	-4(%rbp), %edx
	movb	%dl, (%rax)
	addl	$1, -4(%rbp)
.L2:
	movl	-4(%rbp), %eax
	cmpl	24(%rbp), %eax
	jl	.L3
	movl	24(%rbp), %eax
	movl	%eax, %edx
	shrl	$31, %edx
	addl	%edx, %eax
	sarl	%eax
	movslq	%eax, %rdx
	movq	-16(%rbp), %rax
	addq	%rdx, %rax
	movzbl	(%rax), %eax
	movsbl	%al, %eax
	addq	$16, %rsp
	popq	%rbp
	ret
	.seh_endproc
	.globl	large
	.def	large;	.scl	2;	.type	32;	.endef
	.seh_proc	large
large:
	pushq	%rbp
	.seh_pushreg	%rbp
	movl	$9040, %eax
	call	___chkstk_ms
	subq	%rax, %rsp
	.seh_stackalloc	9040
	leaq	128(%rsp), %rbp
	.seh_setframe	%rbp, 128
	.seh_endprologue
	movl	%ecx, 8928(%rbp)
	movl	8928(%rbp), %edx
	leaq	-96(%rbp), %rax
	movq	%rax, %rcx
	call	work
	addq	$9040, %rsp
	popq	%rbp
	ret
	.seh_endproc
	.globl	medium
	.def	medium;	.scl	2;	.type	32;	.endef
	.seh_proc	medium
medium:
	pushq	%rbp
	.seh_pushreg	%rbp
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$952, %rsp
	.seh_stackalloc	952
	leaq	128(%rsp), %rbp
	.seh_setframe	%rbp, 128
	.seh_endprologue
	movl	%ecx, 848(%rbp)
	movl	848(%rbp), %edx
	leaq	-96(%rbp), %rax
	movq	%rax, %rcx
	call	work
	movl	%eax, %ebx
	movl	848(%rbp), %eax
	movl	%eax, %ecx
	call	large
	addl	%ebx, %eax
	addq	$952, %rsp
	popq	%rbx
	popq	%rbp
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
	subq	$48, %rsp
	.seh_stackalloc	48
	.seh_endprologue
	movl	%ecx, 16(%rbp)
	movl	16(%rbp), %eax
	cltq
	addq	$15, %rax
	shrq	$4, %rax
	salq	$4, %rax
	call	___chkstk_ms
	subq	%rax, %rsp
	leaq	32(%rsp), %rax
	addq	$15, %rax
	shrq	$4, %rax
	salq	$4, %rax
	movq	%rax, -8(%rbp)
	movl	16(%rbp), %edx
	movq	-8(%rbp), %rax
	movq	%rax, %rcx
	call	work
	movq	%rbp, %rsp
	popq	%rbp
	ret
	.seh_endproc
	.globl	variadic
	.def	variadic;	.scl	2;	.type	32;	.endef
	.seh_proc	variadic
variadic:
	pushq	%rbp
	.seh_pushreg	%rbp
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$56, %rsp
	.seh_stackalloc	56
	leaq	48(%rsp), %rbp
	.seh_setframe	%rbp, 48
	.seh_endprologue
	movl	%ecx, 32(%rbp)
	movq	%rdx, 40(%rbp)
	movq	%r8, 48(%rbp)
	movq	%r9, 56(%rbp)
	leaq	40(%rbp), %rax
	movq	%rax, -16(%rbp)
	movl	$0, -4(%rbp)
	movl	$0, -8(%rbp)
	jmp	.L12
.L13:
	movq	-16(%rbp), %rax
	leaq	8(%rax), %rdx
	movq	%rdx, -16(%rbp)
	movl	(%rax), %ebx
	movl	-8(%rbp), %eax
	movl	%eax, %ecx
	call	large
	addl	%ebx, %eax
	addl	%eax, -4(%rbp)
	addl	$1, -8(%rbp)
.L12:
	movl	-8(%rbp), %eax
	cmpl	32(%rbp), %eax
	jl	.L13
	movl	-4(%rbp), %eax
	addq	$56, %rsp
	popq	%rbx
	popq	%rbp
	ret
	.seh_endproc
	.globl	floating
	.def	floating;	.scl	2;	.type	32;	.endef
	.seh_proc	floating
floating:
	pushq	%rbp
	.seh_pushreg	%rbp
	movq	%rsp, %rbp
	.seh_setframe	%rbp, 0
	subq	$48, %rsp
	.seh_stackalloc	48
	.seh_endprologue
	movsd	%xmm0, 16(%rbp)
	movsd	%xmm1, 24(%rbp)
	movsd	%xmm2, 32(%rbp)
	movsd	%xmm3, 40(%rbp)
	pxor	%xmm0, %xmm0
	movsd	%xmm0, -8(%rbp)
	movl	$0, -12(%rbp)
	jmp	.L16
.L17:
	movl	-12(%rbp), %eax
	addl	$5, %eax
	movl	%eax, %ecx
	call	dynamic
	pxor	%xmm0, %xmm0
	cvtsi2sdl	%eax, %xmm0
	movupd	%xmm0, %xmm1
	mulsd	16(%rbp), %xmm1
	movsd	24(%rbp), %xmm0
	mulsd	32(%rbp), %xmm0
	addsd	%xmm1, %xmm0
	subsd	40(%rbp), %xmm0
	movsd	-8(%rbp), %xmm1
	addsd	%xmm1, %xmm0
	movsd	%xmm0, -8(%rbp)
	addl	$1, -12(%rbp)
.L16:
	movl	-12(%rbp), %eax
	cmpl	48(%rbp), %eax
	jl	.L17
	movsd	-8(%rbp), %xmm0
	addsd	16(%rbp), %xmm0
	movq	%xmm0, %rax
	movq	%rax, %xmm0
	addq	$48, %rsp
	popq	%rbp
	ret
	.seh_endproc
	.globl	crowded
	.def	crowded;	.scl	2;	.type	32;	.endef
	.seh_proc	crowded
crowded:
	pushq	%rbp
	.seh_pushreg	%rbp
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$56, %rsp
	.seh_stackalloc	56
	leaq	48(%rsp), %rbp
	.seh_setframe	%rbp, 48
	.seh_endprologue
	movl	%ecx, 32(%rbp)
	movl	%edx, 40(%rbp)
	movl	%r8d, 48(%rbp)
	movl	%r9d, 56(%rbp)
	movl	$0, -4(%rbp)
	movl	$0, -8(%rbp)
	jmp	.L20
.L21:
	movl	40(%rbp), %eax
	movl	%eax, %ecx
	call	large
	imull	48(%rbp), %eax
	movl	%eax, %ebx
	movl	56(%rbp), %eax
	movl	%eax, %ecx
	call	large
	imull	64(%rbp), %eax
	addl	%eax, %ebx
	movl	72(%rbp), %eax
	movl	%eax, %ecx
	call	large
	imull	80(%rbp), %eax
	leal	(%rbx,%rax), %edx
	movl	-8(%rbp), %eax
	imull	32(%rbp), %eax
	imull	40(%rbp), %eax
	imull	48(%rbp), %eax
	imull	56(%rbp), %eax
	imull	64(%rbp), %eax
	imull	72(%rbp), %eax
	imull	80(%rbp), %eax
	addl	%edx, %eax
	addl	%eax, -4(%rbp)
	addl	$1, -8(%rbp)
.L20:
	movl	-8(%rbp), %eax
	cmpl	32(%rbp), %eax
	jl	.L21
	movl	-4(%rbp), %eax
	addq	$56, %rsp
	popq	%rbx
	popq	%rbp
	ret
	.seh_endproc
	.globl	two
	.def	two;	.scl	2;	.type	32;	.endef
	.seh_proc	two
two:
	pushq	%rbp
	.seh_pushreg	%rbp
	movq	%rsp, %rbp
	.seh_setframe	%rbp, 0
	subq	$32, %rsp
	.seh_stackalloc	32
	.seh_endprologue
	movl	%ecx, 16(%rbp)
	movl	16(%rbp), %eax
	movl	%eax, %edx
	leaq	16(%rbp), %rcx
	call	work
	movl	16(%rbp), %edx
	addl	%edx, %eax
	addq	$32, %rsp
	popq	%rbp
	ret
	.seh_endproc
	.globl	three
	.def	three;	.scl	2;	.type	32;	.endef
	.seh_proc	three
three:
	pushq	%rbp
	.seh_pushreg	%rbp
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$40, %rsp
	.seh_stackalloc	40
	leaq	32(%rsp), %rbp
	.seh_setframe	%rbp, 32
	.seh_endprologue
	movl	%ecx, 32(%rbp)
	movl	%edx, 40(%rbp)
	movl	32(%rbp), %eax
	movl	%eax, %edx
	leaq	32(%rbp), %rcx
	call	work
	movl	%eax, %ebx
	movl	40(%rbp), %edx
	leaq	40(%rbp), %rax
	movq	%rax, %rcx
	call	work
	movl	32(%rbp), %edx
	imull	%edx, %eax
	leal	(%rbx,%rax), %edx
	movl	40(%rbp), %eax
	addl	%edx, %eax
	addq	$40, %rsp
	popq	%rbx
	popq	%rbp
	ret
	.seh_endproc
	.globl	five
	.def	five;	.scl	2;	.type	32;	.endef
	.seh_proc	five
five:
	pushq	%rbp
	.seh_pushreg	%rbp
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$40, %rsp
	.seh_stackalloc	40
	leaq	32(%rsp), %rbp
	.seh_setframe	%rbp, 32
	.seh_endprologue
	movl	%ecx, 32(%rbp)
	movl	%edx, 40(%rbp)
	movl	%r8d, 48(%rbp)
	movl	%r9d, 56(%rbp)
	movl	32(%rbp), %eax
	movl	%eax, %ecx
	call	large
	movl	%eax, %ebx
	movl	40(%rbp), %eax
	movl	%eax, %ecx
	call	large
	imull	32(%rbp), %eax
	addl	%eax, %ebx
	movl	48(%rbp), %eax
	movl	%eax, %ecx
	call	large
	imull	40(%rbp), %eax
	addl	%eax, %ebx
	movl	56(%rbp), %eax
	movl	%eax, %ecx
	call	large
	imull	48(%rbp), %eax
	leal	(%rbx,%rax), %edx
	movl	56(%rbp), %eax
	addl	%edx, %eax
	addq	$40, %rsp
	popq	%rbx
	popq	%rbp
	ret
	.seh_endproc
	.globl	early
	.def	early;	.scl	2;	.type	32;	.endef
	.seh_proc	early
early:
	pushq	%rbp
	.seh_pushreg	%rbp
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$40, %rsp
	.seh_stackalloc	40
	leaq	32(%rsp), %rbp
	.seh_setframe	%rbp, 32
	.seh_endprologue
	movl	%ecx, 32(%rbp)
	cmpl	$0, 32(%rbp)
	jns	.L30
	movl	$1, %eax
	jmp	.L31
.L30:
	movl	32(%rbp), %eax
	movl	%eax, %ecx
	call	large
	movl	%eax, %ebx
	movl	32(%rbp), %eax
	addl	$1, %eax
	movl	%eax, %ecx
	call	large
	addl	%ebx, %eax
.L31:
	addq	$40, %rsp
	popq	%rbx
	popq	%rbp
	ret
	.seh_endproc
	.globl	tail
	.def	tail;	.scl	2;	.type	32;	.endef
	.seh_proc	tail
tail:
	pushq	%rbp
	.seh_pushreg	%rbp
	movq	%rsp, %rbp
	.seh_setframe	%rbp, 0
	subq	$32, %rsp
	.seh_stackalloc	32
	.seh_endprologue
	movl	%ecx, 16(%rbp)
	cmpl	$3, 16(%rbp)
	jle	.L33
	movl	16(%rbp), %eax
	movl	%eax, %ecx
	call	large
	movl	%eax, %ecx
	call	dynamic
	jmp	.L35
.L33:
	movl	16(%rbp), %eax
	movl	%eax, %ecx
	call	early
.L35:
	addq	$32, %rsp
	popq	%rbp
	ret
	.seh_endproc
	.globl	fail
	.def	fail;	.scl	2;	.type	32;	.endef
	.seh_proc	fail
fail:
	pushq	%rbp
	.seh_pushreg	%rbp
	movq	%rsp, %rbp
	.seh_setframe	%rbp, 0
	subq	$32, %rsp
	.seh_stackalloc	32
	.seh_endprologue
	movl	%ecx, 16(%rbp)
.L37:
	movl	16(%rbp), %eax
	movl	%eax, %edx
	leaq	16(%rbp), %rcx
	call	work
	jmp	.L37
	.seh_endproc
	.globl	risky
	.def	risky;	.scl	2;	.type	32;	.endef
	.seh_proc	risky
risky:
	pushq	%rbp
	.seh_pushreg	%rbp
	subq	$336, %rsp
	.seh_stackalloc	336
	leaq	128(%rsp), %rbp
	.seh_setframe	%rbp, 128
	.seh_endprologue
	movl	%ecx, 224(%rbp)
	movl	224(%rbp), %edx
	leaq	-96(%rbp), %rax
	movq	%rax, %rcx
	call	work
	cmpl	$-100, %eax
	jge	.L39
	movl	224(%rbp), %eax
	movl	%eax, %ecx
	call	large
	movl	%eax, %edx
	leaq	-96(%rbp), %rax
	movq	%rax, %rcx
	call	work
	movl	224(%rbp), %eax
	movl	%eax, %ecx
	call	fail
.L39:
	movl	224(%rbp), %eax
	movl	%eax, %ecx
	call	medium
	movl	224(%rbp), %edx
	addl	%edx, %eax
	addq	$336, %rsp
	popq	%rbp
	ret
	.seh_endproc
	.globl	_fltused
	.bss
	.align 4
_fltused:
	.space 4
	.text
	.globl	start
	.def	start;	.scl	2;	.type	32;	.endef
	.seh_proc	start
start:
	pushq	%rbp
	.seh_pushreg	%rbp
	pushq	%rbx
	.seh_pushreg	%rbx
	subq	$72, %rsp
	.seh_stackalloc	72
	leaq	64(%rsp), %rbp
	.seh_setframe	%rbp, 64
	.seh_endprologue
	movl	$7, 48(%rsp)
	movl	$6, 40(%rsp)
	movl	$5, 32(%rsp)
	movl	$4, %r9d
	movl	$3, %r8d
	movl	$2, %edx
	movl	$1, %ecx
	call	crowded
	movl	%eax, %ebx
	movl	$7, %r8d
	movl	$3, %edx
	movl	$2, %ecx
	call	variadic
	addl	%eax, %ebx
	movl	$2, %ecx
	call	tail
	addl	%eax, %ebx
	movsd	.LC1(%rip), %xmm2
	movsd	.LC2(%rip), %xmm1
	movsd	.LC3(%rip), %xmm0
	movq	.LC4(%rip), %rax
	movl	$6, 32(%rsp)
	movupd	%xmm2, %xmm3
	movupd	%xmm1, %xmm2
	movupd	%xmm0, %xmm1
	movq	%rax, %xmm0
	call	floating
	cvttsd2sil	%xmm0, %eax
	addl	%eax, %ebx
	movl	$3, %ecx
	call	medium
	addl	%eax, %ebx
	movl	$2, %edx
	movl	$1, %ecx
	call	three
	addl	%eax, %ebx
	movl	$4, %r9d
	movl	$3, %r8d
	movl	$2, %edx
	movl	$1, %ecx
	call	five
	addl	%eax, %ebx
	movl	$3, %ecx
	call	two
	addl	%eax, %ebx
	movl	$5, %ecx
	call	risky
	addl	%ebx, %eax
	addq	$72, %rsp
	popq	%rbx
	popq	%rbp
	ret
	.seh_endproc
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
