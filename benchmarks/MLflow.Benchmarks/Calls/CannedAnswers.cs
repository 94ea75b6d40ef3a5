using System.Globalization;
using System.Text;

namespace MLflow.Benchmarks.Calls;

/// <summary>What the model answers: an answer of about 1 KB, and a stream of 500 chunks of about 220 bytes, each of which arrives by itself.</summary>
internal static class CannedAnswers
{
    public const int Chunks = 500;

    public static IReadOnlyList<byte[]> Chat()
    {
        var text = string.Join(' ', Enumerable.Repeat("The capital of France is Paris.", 16));
        var body = Encoding.UTF8.GetBytes(
            $$$"""{"id":"chatcmpl-b1","object":"chat.completion","created":1764900000,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"{{{text}}}","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":240,"completion_tokens":120,"total_tokens":360,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default","system_fingerprint":"fp_44709d6fcb"}""");
        return [Concat(Head("application/json", body.Length), body)];
    }

    /// <summary>What a server that is no model answers.</summary>
    public static IReadOnlyList<byte[]> Small()
    {
        var body = "{\"left\":17}"u8.ToArray();
        return [Concat(Head("application/json", body.Length), body)];
    }

    public static IReadOnlyList<byte[]> Stream()
    {
        var pieces = new List<byte[]> { Array.Empty<byte>(), Chunk("""{"role":"assistant","content":""}""", "null") };
        for (var i = 0; i < Chunks - 2; i++)
        {
            pieces.Add(Chunk("{\"content\":\" word" + i.ToString(CultureInfo.InvariantCulture) + "\"}", "null"));
        }

        pieces.Add(Chunk("{}", "\"stop\""));
        pieces.Add("data: [DONE]\n\n"u8.ToArray());
        pieces[0] = Head("text/event-stream", pieces.Sum(p => p.Length));
        return pieces;
    }

    private static byte[] Chunk(string delta, string finishReason) => Encoding.UTF8.GetBytes(
        $$$"""data: {"id":"chatcmpl-b2","object":"chat.completion.chunk","created":1764900000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{{{delta}}},"logprobs":null,"finish_reason":{{{finishReason}}}}]}""" + "\n\n");

    private static byte[] Head(string contentType, int length) => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"HTTP/1.1 200 OK\r\nContent-Type: {contentType}\r\nContent-Length: {length}\r\nx-request-id: req_b\r\n\r\n"));

    private static byte[] Concat(byte[] first, byte[] second) => [.. first, .. second];
}
