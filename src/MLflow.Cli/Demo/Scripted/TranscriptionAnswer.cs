using System.Text;
using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>What a transcription says, in the format that was asked for.</summary>
internal static class TranscriptionAnswer
{
    // OpenAI counts ten tokens for a second of sound.
    private const int TokensPerSecond = 10;

    public static (string ContentType, byte[] Body) Write(TranscriptionRequest request) => request.ResponseFormat switch
    {
        "text" => ("text/plain; charset=utf-8", Encoding.UTF8.GetBytes(request.Text + "\n")),
        "verbose_json" => ("application/json", ScriptedJson.ToUtf8(Verbose(request))),
        _ => ("application/json", ScriptedJson.ToUtf8(new JsonObject { ["text"] = request.Text, ["usage"] = Usage(request) })),
    };

    private static JsonObject Verbose(TranscriptionRequest request)
    {
        var seconds = request.Duration?.TotalSeconds ?? 0;
        return new JsonObject
        {
            ["task"] = "transcribe",
            ["language"] = "english",
            ["duration"] = seconds,
            ["text"] = request.Text,
            ["segments"] = new JsonArray(new JsonObject
            {
                ["id"] = 0,
                ["seek"] = 0,
                ["start"] = 0.0,
                ["end"] = seconds,
                ["text"] = " " + request.Text,
                ["tokens"] = new JsonArray(),
                ["temperature"] = 0.0,
                ["avg_logprob"] = 0.0,
                ["compression_ratio"] = 1.0,
                ["no_speech_prob"] = 0.0,
            }),
            ["usage"] = Usage(request),
        };
    }

    private static JsonObject Usage(TranscriptionRequest request)
    {
        var seconds = request.Duration?.TotalSeconds ?? 0;
        if (request.Model == "whisper-1")
        {
            return new JsonObject { ["type"] = "duration", ["seconds"] = (int)Math.Ceiling(seconds) };
        }

        var input = (int)Math.Ceiling(seconds * TokensPerSecond);
        var output = TextPieces.Count(request.Text);
        return new JsonObject
        {
            ["type"] = "tokens",
            ["total_tokens"] = input + output,
            ["input_tokens"] = input,
            ["input_token_details"] = new JsonObject { ["text_tokens"] = 0, ["audio_tokens"] = input },
            ["output_tokens"] = output,
        };
    }
}
