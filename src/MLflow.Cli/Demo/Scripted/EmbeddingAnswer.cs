using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>The vectors of a request.</summary>
internal static class EmbeddingAnswer
{
    public static JsonObject ToJson(EmbeddingRequest request)
    {
        var tokens = request.Inputs.Sum(input => input.Count);
        return new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. request.Inputs.Select((input, index) => Embedding(request, input, index))]),
            ["model"] = request.Model,
            ["usage"] = new JsonObject { ["prompt_tokens"] = tokens, ["total_tokens"] = tokens },
        };
    }

    private static JsonObject Embedding(EmbeddingRequest request, IReadOnlyList<string> input, int index)
    {
        var vector = TextVector.Of(input, request.Dimensions);
        return new JsonObject
        {
            ["object"] = "embedding",
            ["index"] = index,
            ["embedding"] = request.IsBase64 ? TextVector.ToBase64(vector) : new JsonArray([.. vector.Select(value => JsonValue.Create(value))]),
        };
    }
}
