using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Answers of models behind endpoints, in the form of OpenAI's API. Fact sheet §3a: <c>model</c> in the answer is what is served, not the endpoint that was asked.</summary>
internal static class ServedModel
{
    public const string Answer = "The capital of France is Paris.";

    private static readonly string[] Pieces = ["The capital ", "of France ", "is Paris."];

    /// <param name="context">The request.</param>
    /// <param name="body">Its body.</param>
    /// <param name="model">What is served.</param>
    /// <param name="saysDone">Whether a stream ends with <c>[DONE]</c>.</param>
    public static async Task ChatAsync(HttpContext context, JsonObject body, string model, bool saysDone = true)
    {
        if (body["stream"]?.GetValue<bool>() != true)
        {
            await ApiAnswers.OkAsync(context, new
            {
                id = "chatcmpl-1",
                @object = "chat.completion",
                created = 1,
                model,
                choices = new[] { new { index = 0, message = new { role = "assistant", content = Answer }, finish_reason = "stop" } },
                usage = new { prompt_tokens = 14, completion_tokens = 7, total_tokens = 21 },
                databricks_output = new { },
            });
            return;
        }

        context.Response.ContentType = "text/event-stream";
        foreach (var piece in Pieces)
        {
            await SendAsync(context, Chunk(model, new { role = "assistant", content = piece }, null));
        }

        await SendAsync(context, Chunk(model, new { role = "assistant", content = "" }, "stop"));

        // Fact sheet §3a: usage comes in a stream where it is asked for.
        if (body["stream_options"]?["include_usage"]?.GetValue<bool>() == true)
        {
            await SendAsync(context, new { id = "chatcmpl-1", @object = "chat.completion.chunk", created = 1, model, choices = Array.Empty<object>(), usage = new { prompt_tokens = 14, completion_tokens = 7, total_tokens = 21 } });
        }

        if (saysDone)
        {
            await context.Response.WriteAsync("data: [DONE]\n\n");
        }
    }

    public static Task EmbeddingsAsync(HttpContext context, string model) => ApiAnswers.OkAsync(context, new
    {
        @object = "list",
        model,
        data = new[] { new { @object = "embedding", index = 0, embedding = new[] { 0.6, 0.8 } } },
        usage = new { prompt_tokens = 3, total_tokens = 3 },
    });

    private static object Chunk(string model, object delta, string? finish) =>
        new { id = "chatcmpl-1", @object = "chat.completion.chunk", created = 1, model, choices = new[] { new { index = 0, delta, finish_reason = finish } } };

    private static Task SendAsync(HttpContext context, object chunk) => context.Response.WriteAsync($"data: {JsonSerializer.Serialize(chunk)}\n\n");
}
