using System.Globalization;
using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>A request for embeddings: a text, several, or either of them as token numbers.</summary>
internal sealed class EmbeddingRequest
{
    private const int MaxInputs = 2048;
    private const int MaxTokensOfInput = 8192;
    private const int MaxTokens = 300_000;

    /// <exception cref="ScriptedErrorException">The body is not an embeddings request.</exception>
    public EmbeddingRequest(JsonObject body)
    {
        Model = ScriptedModels.Require(ScriptedJson.Text(body["model"]), ScriptedModelUse.Embedding);
        Dimensions = ReadDimensions(body["dimensions"]);
        IsBase64 = (ScriptedJson.Text(body["encoding_format"]) ?? "float") switch
        {
            "float" => false,
            "base64" => true,
            var format => throw ScriptedError.UnsupportedValue("encoding_format", format, "float", "base64").ToException(),
        };
        Inputs = ReadInputs(body["input"] ?? throw ScriptedError.Missing("input").ToException());
        if (Inputs.Count > MaxInputs)
        {
            throw ScriptedError.BadRequest($"Invalid 'input': array too long. Expected an array with maximum length {MaxInputs}, but got an array with length {Inputs.Count} instead.", "input").ToException();
        }

        if (Inputs.Any(input => input.Count > MaxTokensOfInput) || Inputs.Sum(input => input.Count) > MaxTokens)
        {
            throw ScriptedError.BadRequest($"Invalid 'input': maximum context length is {MaxTokensOfInput} tokens for each input and {MaxTokens} for all.", "input").ToException();
        }
    }

    public string Model { get; }

    /// <summary>Each input in pieces.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Inputs { get; }

    public int Dimensions { get; }

    public bool IsBase64 { get; }

    private int ReadDimensions(JsonNode? node)
    {
        var whole = Model == "text-embedding-3-large" ? 3072 : 1536;
        if (node is null)
        {
            return whole;
        }

        if (Model == "text-embedding-ada-002")
        {
            throw ScriptedError.BadRequest("This model does not support specifying dimensions.").ToException();
        }

        return ScriptedJson.Number(node) switch
        {
            null => throw ScriptedError.BadRequest("Invalid type for 'dimensions': expected an integer.", "dimensions").ToException(),
            < 1 and var number => throw ScriptedError.BadRequest($"{number} is less than the minimum of 1 - 'dimensions'").ToException(),
            var number when number > whole => throw ScriptedError.BadRequest($"Invalid value for 'dimensions' = {number}. Must be less than or equal to {whole}.").ToException(),
            var number => number.Value,
        };
    }

    private static List<IReadOnlyList<string>> ReadInputs(JsonNode input) => input switch
    {
        JsonArray { Count: > 0 } tokens when tokens.All(token => ScriptedJson.Number(token) is not null) => [Tokens(tokens)],
        JsonArray { Count: > 0 } inputs => [.. inputs.Select(each => each is JsonArray { Count: > 0 } tokens ? Tokens(tokens) : Pieces(each))],
        _ => [Pieces(input)],
    };

    private static IReadOnlyList<string> Pieces(JsonNode? node) =>
        ScriptedJson.Text(node) is { Length: > 0 } text ? TextPieces.Split(text) : throw InvalidInput();

    private static List<string> Tokens(JsonArray tokens) =>
        [.. tokens.Select(token => (ScriptedJson.Number(token) ?? throw InvalidInput()).ToString(CultureInfo.InvariantCulture))];

    private static ScriptedErrorException InvalidInput() => ScriptedError.BadRequest("'$.input' is invalid: a text or token numbers are expected, and none of them empty.", "input").ToException();
}
