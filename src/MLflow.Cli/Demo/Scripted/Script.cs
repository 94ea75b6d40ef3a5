using System.Text.Json;
using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>What the scripted endpoint says: the questions of the documentation's examples, in English and Japanese.</summary>
internal static class Script
{
    private static readonly (string English, string Japanese)[] Cities =
        [("Paris", "パリ"), ("Tokyo", "東京"), ("London", "ロンドン"), ("New York", "ニューヨーク")];

    private static readonly Dictionary<string, string> JapaneseWeather = new(StringComparer.OrdinalIgnoreCase)
    {
        ["sunny"] = "晴れ",
        ["rainy"] = "雨",
        ["unknown"] = "不明",
    };

    // "How can I solve 8x + 7 = -23?" is the question of the OpenAI package's own example of structured output.
    private static readonly JsonObject Solution = JsonNode.Parse("""
        {
          "steps": [
            { "explanation": "Subtract 7 from both sides of the equation.", "output": "8x = -30" },
            { "explanation": "Divide both sides by 8.", "output": "x = -30 / 8" },
            { "explanation": "Simplify the fraction.", "output": "x = -15 / 4" }
          ],
          "final_answer": "x = -3.75"
        }
        """)!.AsObject();

    /// <summary>The schema of an answer that only has to be a JSON object.</summary>
    public static JsonObject AnyObject { get; } = JsonNode.Parse("""{"type":"object","properties":{"answer":{"type":"string"}}}""")!.AsObject();

    public static ScriptedAnswer Answer(ScriptedConversation conversation)
    {
        if (conversation.Tools.Count > 0 && conversation.LastRole == "user")
        {
            return ScriptedAnswer.Call(Calls(conversation.Tools[0], conversation.Question));
        }

        var text = conversation.LastRole == "tool" ? FromToolResults(conversation) : Reply(conversation);
        return ScriptedAnswer.Say(conversation.Schema is { } schema ? ScriptedJson.ToText(Structured(schema, conversation.Question, text)) : text);
    }

    /// <summary>One call for each city of the question, all at once as a model does it.</summary>
    private static List<ScriptedToolCall> Calls(JsonObject tool, string question)
    {
        var name = ScriptedJson.Text(tool["name"]) ?? "";
        var cities = Cities.Where(city => question.Contains(city.English, StringComparison.OrdinalIgnoreCase) || question.Contains(city.Japanese, StringComparison.Ordinal)).ToList();
        if (cities.Count == 0)
        {
            cities.Add(Cities[0]);
        }

        return [.. cities.Select(city => new ScriptedToolCall(ScriptedId.ToolCall(), name, Arguments(tool, city.English)))];
    }

    private static string Arguments(JsonObject tool, string city) =>
        ScriptedJson.ToText(ScriptedSchema.Fill(tool["parameters"] as JsonObject ?? [], known: null, city) as JsonObject ?? []);

    private static JsonObject Structured(JsonObject schema, string question, string text) =>
        ScriptedSchema.Fill(schema, IsEquation(question) ? Solution : null, text) as JsonObject ?? [];

    private static string FromToolResults(ScriptedConversation conversation)
    {
        var cities = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var call in conversation.Messages.SelectMany(message => message["tool_calls"] as JsonArray ?? []).OfType<JsonObject>())
        {
            cities[ScriptedJson.Text(call["id"]) ?? ""] = City(ScriptedJson.Text(call["function"]?["arguments"]));
        }

        var isJapanese = IsJapanese(conversation.Question);
        var sentences = conversation.ToolResults
            .Select(result => (City: cities.GetValueOrDefault(ScriptedJson.Text(result["tool_call_id"]) ?? ""), Weather: Plain(ScriptedConversation.Content(result))))
            .Select(result => isJapanese ? Japanese(result.City, result.Weather) : $"The weather in {result.City ?? "that city"} today is {result.Weather}.");
        return string.Join(isJapanese ? "" : " ", sentences);
    }

    private static string Japanese(string? city, string weather)
    {
        var name = Cities.FirstOrDefault(known => known.English == city).Japanese ?? city ?? "その都市";
        return $"今日の{name}の天気は{JapaneseWeather.GetValueOrDefault(weather, weather)}です。";
    }

    private static string? City(string? arguments)
    {
        try
        {
            return (JsonNode.Parse(arguments ?? "{}") as JsonObject)?.Select(argument => ScriptedJson.Text(argument.Value)).FirstOrDefault(text => text is not null);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Microsoft.Extensions.AI sends a result that is text as JSON, in quotation marks.</summary>
    private static string Plain(string result)
    {
        try
        {
            return result.StartsWith('"') ? ScriptedJson.Text(JsonNode.Parse(result)) ?? result : result;
        }
        catch (JsonException)
        {
            return result;
        }
    }

    private static string Reply(ScriptedConversation conversation)
    {
        var question = conversation.Question;
        bool Has(string word) => question.Contains(word, StringComparison.OrdinalIgnoreCase);

        // "And of Japan?" is about capitals when the question before it was.
        bool IsAbout(string word) => conversation.Questions.Any(earlier => earlier.Contains(word, StringComparison.OrdinalIgnoreCase));
        return IsJapanese(question)
            ? (Has("首都"), Has("日本") && IsAbout("首都"), Has("タイタン"), IsEquation(question)) switch
            {
                (_, true, _, _) => "日本の首都は東京です。",
                (true, _, _, _) => "フランスの首都はパリです。",
                (_, _, true, _) => "タイタンの表面温度は約マイナス179℃です。コップ一杯の水は、表面から数分で凍り始め、数時間で芯まで凍るでしょう。",
                (_, _, _, true) => "両辺から7を引いて8で割ると、x = -3.75 です。",
                _ => "私は台本どおりに答えるデモ用のエンドポイントなので、この質問の答えは用意されていません。",
            }
            : (Has("capital"), Has("Japan") && IsAbout("capital"), Has("Titan"), IsEquation(question)) switch
            {
                (_, true, _, _) => "The capital of Japan is Tokyo.",
                (true, _, _, _) => "The capital of France is Paris.",
                (_, _, true, _) => "On Titan the surface is at about -179 °C, in a dense nitrogen atmosphere that carries heat away quickly. "
                    + "A glass of water would begin to freeze at its surface within minutes and would be frozen through within a few hours.",
                (_, _, _, true) => "Subtract 7 from both sides and divide by 8: x = -3.75.",
                _ => "I am the demo's scripted endpoint and have no line prepared for this question.",
            };
    }

    private static bool IsEquation(string question) => question.Replace(" ", "", StringComparison.Ordinal).Contains("8x+7=-23", StringComparison.Ordinal);

    private static bool IsJapanese(string text) => text.Any(c => c is (>= '\u3040' and <= '\u30FF') or (>= '\u4E00' and <= '\u9FFF'));
}
