using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>The pictures of a request.</summary>
internal static class ImageAnswer
{
    public static JsonObject ToJson(ImageRequest request, DateTimeOffset created)
    {
        var input = TextPieces.Count(request.Prompt);
        var output = request.Count * request.TokensOfImage;
        return new JsonObject
        {
            ["created"] = created.ToUnixTimeSeconds(),
            ["background"] = request.Background,
            ["data"] = new JsonArray([.. Enumerable.Range(0, request.Count).Select(variant => Image(request, variant))]),
            ["output_format"] = request.OutputFormat,
            ["quality"] = request.Quality,
            ["size"] = request.Size,
            ["usage"] = new JsonObject
            {
                ["input_tokens"] = input,
                ["input_tokens_details"] = new JsonObject { ["image_tokens"] = 0, ["text_tokens"] = input },
                ["output_tokens"] = output,
                ["output_tokens_details"] = new JsonObject { ["image_tokens"] = output, ["text_tokens"] = 0 },
                ["total_tokens"] = input + output,
            },
        };
    }

    private static JsonObject Image(ImageRequest request, int variant) =>
        new() { ["b64_json"] = Convert.ToBase64String(PngPicture.Draw(request.Prompt, variant, request.Width, request.Height)) };
}
