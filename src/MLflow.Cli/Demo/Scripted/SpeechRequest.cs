using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>A request to speak a text.</summary>
internal sealed class SpeechRequest
{
    private const int MaxLength = 4096;
    private const int MaxTokens = 2000;

    private static readonly string[] Voices = ["alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse"];

    /// <exception cref="ScriptedErrorException">The body is not a request that can be answered with wav or pcm.</exception>
    public SpeechRequest(JsonObject body)
    {
        ScriptedModels.Require(ScriptedJson.Text(body["model"]), ScriptedModelUse.Speech);
        var input = ScriptedJson.Text(body["input"]) is { Length: > 0 } text ? text : throw ScriptedError.Missing("input").ToException();
        Pieces = TextPieces.Split(input);
        if (input.Length > MaxLength || Pieces.Count > MaxTokens)
        {
            throw ScriptedError.BadRequest($"Invalid 'input': string too long. Expected at most {MaxLength} characters and {MaxTokens} tokens.", "input").ToException();
        }

        Voice = ScriptedJson.Text(body["voice"]) switch
        {
            null => throw ScriptedError.Missing("voice").ToException(),
            var voice when Voices.Contains(voice) => voice,
            var voice => throw ScriptedError.UnsupportedValue("voice", voice, Voices).ToException(),
        };
        Speed = ScriptedJson.Degree(body["speed"]) ?? 1;
        if (Speed is not (>= 0.25 and <= 4))
        {
            throw ScriptedError.BadRequest("Invalid 'speed': expected a value from 0.25 to 4.", "speed").ToException();
        }

        // OpenAI's default is mp3, which nothing in .NET can write.
        IsPcm = (ScriptedJson.Text(body["response_format"]) ?? "mp3") switch
        {
            "wav" => false,
            "pcm" => true,
            var format => throw ScriptedError.UnsupportedValue("response_format", format, "wav", "pcm").ToException(),
        };
        if (ScriptedJson.Text(body["stream_format"]) is { } stream && stream != "audio")
        {
            throw ScriptedError.UnsupportedValue("stream_format", stream, "audio").ToException();
        }
    }

    public IReadOnlyList<string> Pieces { get; }

    public string Voice { get; }

    public double Speed { get; }

    public bool IsPcm { get; }

    public string ContentType => IsPcm ? "audio/pcm" : "audio/wav";

    public byte[] Speak()
    {
        var pcm = WaveSound.ToPcm(Pieces, Voice, Speed);
        return IsPcm ? pcm : WaveSound.ToWav(pcm);
    }
}
