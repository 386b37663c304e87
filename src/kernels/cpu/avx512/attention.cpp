#include "kernels/reference/reference.h"
#include "kernels/cpu/avx512/isa.h"
#include "kernels/cpu/vector/declare.h"
namespace attune::avx512 {
void attention(const Context&x, const AttentionShape&s, const float* q, int64_t q_pitch, const float* k, int64_t k_pitch, const float* v,
               int64_t v_pitch, float* out, int64_t out_pitch, float* lse){reference::attention(x,s,q,q_pitch,k,k_pitch,v,v_pitch,out,out_pitch,lse);}
void attention_backward(const Context&x, const AttentionShape&s, const float* q, int64_t q_pitch, const float* k, int64_t k_pitch, const float* v,
                        int64_t v_pitch, const float* out, int64_t out_pitch, const float* lse, const float* dout, int64_t dout_pitch, float* dq,
                        int64_t dq_pitch, float* dk, int64_t dk_pitch, float* dv, int64_t dv_pitch){reference::attention_backward(x,s,q,q_pitch,k,k_pitch,v,v_pitch,out,out_pitch,lse,dout,dout_pitch,dq,dq_pitch,dk,dk_pitch,dv,dv_pitch);}
}
