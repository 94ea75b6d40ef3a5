using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>A request for pictures, as the models named gpt-image take it.</summary>
internal sealed class ImageRequest
{
    private const int MaxImages = 10;
    private const int MaxPromptLength = 32_000;

    private static readonly string[] Sizes = ["1024x1024", "1024x1536", "1536x1024"];

    // Tokens of a picture by size, for the qualities low, medium and high: OpenAI's own figures.
    private static readonly int[][] TokensBySize = [[272, 1056, 4160], [408, 1584, 6240], [400, 1568, 6208]];

    private static readonly string[] Qualities = ["low", "medium", "high"];

    /// <exception cref="ScriptedErrorException">The body is not a request that can be answered with PNG pictures.</exception>
    public ImageRequest(JsonObject body)
    {
        ScriptedModels.Require(ScriptedJson.Text(body["model"]), ScriptedModelUse.Image);
        Prompt = ScriptedJson.Text(body["prompt"]) is { Length: > 0 } prompt ? prompt : throw ScriptedError.Missing("prompt").ToException();
        if (Prompt.Length > MaxPromptLength)
        {
            throw ScriptedError.BadRequest($"Invalid 'prompt': string too long. Expected a string with maximum length {MaxPromptLength}.", "prompt").ToException();
        }

        if (body.ContainsKey("response_format"))
        {
            throw ScriptedError.UnknownParameter("response_format").ToException();
        }

        if (ScriptedJson.IsTrue(body["stream"]))
        {
            throw ScriptedError.UnsupportedValue("stream", "true", "false").ToException();
        }

        Count = ScriptedJson.Number(body["n"]) ?? 1;
        if (Count is < 1 or > MaxImages)
        {
            throw ScriptedError.BadRequest($"Invalid 'n': expected a value from 1 to {MaxImages}, but got {Count} instead.", "n").ToException();
        }

        Size = Choose(body, "size", Sizes, "1024x1024");
        Quality = Choose(body, "quality", Qualities, "high");
        OutputFormat = Choose(body, "output_format", ["png"], "png");
        Background = Choose(body, "background", ["opaque"], "opaque");
    }

    public string Prompt { get; }

    public int Count { get; }

    public string Size { get; }

    public string Quality { get; }

    public string OutputFormat { get; }

    public string Background { get; }

    public int Width => int.Parse(Size.AsSpan(0, 4), provider: null);

    public int Height => int.Parse(Size.AsSpan(5), provider: null);

    public int TokensOfImage => TokensBySize[Array.IndexOf(Sizes, Size)][Array.IndexOf(Qualities, Quality)];

    private static string Choose(JsonObject body, string name, string[] supported, string otherwise) => ScriptedJson.Text(body[name]) switch
    {
        null or "auto" => otherwise,
        var value when supported.Contains(value) => value,
        var value => throw ScriptedError.UnsupportedValue(name, value, [.. supported, "auto"]).ToException(),
    };
}
