using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>The models that the endpoint stands in for.</summary>
internal static class ScriptedModels
{
    // Their dates are those of OpenAI's list.
    private static readonly (string Id, ScriptedModelUse Use, long Created)[] Listed =
    [
        ("gpt-4o", ScriptedModelUse.Chat, 1715367049),
        ("gpt-4o-mini", ScriptedModelUse.Chat, 1721172741),
        ("gpt-4.1", ScriptedModelUse.Chat, 1744316542),
        ("gpt-4.1-mini", ScriptedModelUse.Chat, 1744318173),
        ("text-embedding-ada-002", ScriptedModelUse.Embedding, 1671217299),
        ("text-embedding-3-small", ScriptedModelUse.Embedding, 1705948997),
        ("text-embedding-3-large", ScriptedModelUse.Embedding, 1705953180),
        ("gpt-image-1", ScriptedModelUse.Image, 1745517030),
        ("gpt-image-1-mini", ScriptedModelUse.Image, 1758845821),
        ("tts-1", ScriptedModelUse.Speech, 1681940951),
        ("tts-1-hd", ScriptedModelUse.Speech, 1699046015),
        ("gpt-4o-mini-tts", ScriptedModelUse.Speech, 1742403959),
        ("whisper-1", ScriptedModelUse.Transcription, 1677532384),
        ("gpt-4o-transcribe", ScriptedModelUse.Transcription, 1742068463),
        ("gpt-4o-mini-transcribe", ScriptedModelUse.Transcription, 1742068596),
    ];

    public static JsonObject List() => new()
    {
        ["object"] = "list",
        ["data"] = new JsonArray([.. Listed.Select(model => Describe(model.Id, model.Created))]),
    };

    public static JsonObject Get(string id)
    {
        var (known, _, created) = Listed.FirstOrDefault(model => model.Id == id);
        return known is null ? throw ScriptedError.ModelNotFound(id).ToException() : Describe(known, created);
    }

    /// <summary>The model that a request names.</summary>
    /// <exception cref="ScriptedErrorException">It names none, or none for this use.</exception>
    public static string Require(string? model, ScriptedModelUse use)
    {
        if (string.IsNullOrEmpty(model))
        {
            throw ScriptedError.BadRequest("you must provide a model parameter").ToException();
        }

        var listed = Array.Find(Listed, each => each.Id == model);
        var fits = listed.Id is not null ? listed.Use == use : use == ScriptedModelUse.Chat && model.StartsWith("gpt-", StringComparison.Ordinal);
        return fits ? model : throw ScriptedError.ModelNotFound(model).ToException();
    }

    private static JsonObject Describe(string id, long created) => new()
    {
        ["id"] = id,
        ["object"] = "model",
        ["created"] = created,
        ["owned_by"] = "system",
    };
}
