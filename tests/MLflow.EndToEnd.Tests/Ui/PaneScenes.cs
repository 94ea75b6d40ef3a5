namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>Traces that show one thing of the trace page each.</summary>
internal static class PaneScenes
{
    private const string Model = "gpt-4o-mini";

    /// <summary>The second prompt begins like the first, which was in the provider's cache, and goes on otherwise.</summary>
    public static SceneTrace BrokenCache(int number, long startMs)
    {
        var scene = new SceneTrace(number, startMs);
        scene.Add(1, 0, "run", "AGENT", 0, 2000);
        object[] first = [new { role = "system", content = "It is 10:00." }, new { role = "user", content = "Hello" }];
        object answer = new { role = "assistant", content = "Hi." };
        scene.Add(2, 1, "Completions", "CHAT_MODEL", 1, 900).Chat(Model, first, answer).Usage(2000, 3, 1024);
        scene.Add(3, 1, "Completions", "CHAT_MODEL", 901, 1900).Chat(Model, [first[0], new { role = "user", content = "Good day" }, answer, first[1]], answer).Usage(2100, 3, 0);
        return scene;
    }

    /// <summary>A tool is offered, and the model does without it.</summary>
    public static SceneTrace UnusedTool(int number, long startMs)
    {
        var scene = new SceneTrace(number, startMs);
        scene.Add(1, 0, "Completions", "CHAT_MODEL", 0, 900).Chat(Model, [new { role = "user", content = "Cancel nothing, just say hello." }], new { role = "assistant", content = "Hello." }, "stop",
            new[] { new { type = "function", function = new { name = "cancel_order", parameters = new { type = "object", properties = new { order_id = new { type = "string" } } } } } }).Usage(90, 3);
        return scene;
    }

    public static SceneTrace Choices(int number, long startMs)
    {
        var scene = new SceneTrace(number, startMs);
        scene.Add(1, 0, "Completions", "CHAT_MODEL", 0, 900).Chat(Model, [new { role = "user", content = "A name?" }], null)
            .Set("mlflow.spanOutputs", new { choices = new[] { new { index = 0, message = new { role = "assistant", content = "Ada" } }, new { index = 1, message = new { role = "assistant", content = "Grace" } } } });
        return scene;
    }

    /// <summary>An answer that does not fit the schema that was asked for.</summary>
    public static SceneTrace BrokenStructure(int number, long startMs)
    {
        var scene = new SceneTrace(number, startMs);
        scene.Add(1, 0, "Completions", "CHAT_MODEL", 0, 900).Set("mlflow.spanInputs", new
        {
            model = Model,
            messages = new[] { new { role = "user", content = "Population of Tokyo?" } },
            response_format = new { type = "json_schema", json_schema = new { name = "city", schema = new { type = "object", properties = new { population = new { type = "integer" } } } } },
        }).Set("mlflow.spanOutputs", new { choices = new[] { new { message = new { role = "assistant", content = """{"population":"many"}""" } } } });
        return scene;
    }

    /// <summary>Recorded without content.</summary>
    public static SceneTrace NoContent(int number, long startMs)
    {
        var scene = new SceneTrace(number, startMs);
        scene.Add(1, 0, "Completions", "CHAT_MODEL", 0, 900).Set("mlflow.capture.mode", "metadata");
        return scene;
    }

    /// <summary>Messages in OpenTelemetry's shape.</summary>
    public static SceneTrace GenAiParts(int number, long startMs)
    {
        var scene = new SceneTrace(number, startMs);
        scene.Add(1, 0, "chat gpt-4o-mini", "CHAT_MODEL", 0, 900).Set("gen_ai.operation.name", "chat").Set("gen_ai.request.model", Model)
            .Set("gen_ai.input.messages", new object[]
            {
                new { role = "user", parts = new object[] { new { type = "text", content = "Is it warm in Paris?" } } },
                new { role = "assistant", parts = new object[] { new { type = "text", content = "Let me see." }, new { type = "tool_call", id = "c1", name = "get_weather", arguments = new { city = "Paris" } } } },
                new { role = "tool", parts = new object[] { new { type = "tool_call_response", id = "c1", response = "22 °C, light rain" } } },
            })
            .Set("gen_ai.output.messages", new object[] { new { role = "assistant", parts = new object[] { new { type = "text", content = "Mild: 22 °C, with light rain." } }, finish_reason = "stop" } });
        return scene;
    }

    /// <summary>Two calls with an hour between them in which a person was waited for.</summary>
    public static SceneTrace Idle(int number, long startMs)
    {
        const double Hour = 3_600_000;
        var scene = new SceneTrace(number, startMs);
        scene.Add(1, 0, "Approval", "AGENT", 0, Hour + 2600).Set("mlflow.spanInputs", new { question = "May I book the flight?" });
        scene.Add(2, 1, "Completions", "CHAT_MODEL", 10, 1100).Chat(Model, [new { role = "user", content = "Book me a flight to Paris." }], new { role = "assistant", content = "KX 204 costs 120 €. Shall I book it?" });
        scene.Add(3, 1, "find_booking", "TOOL", 1100, 1500).Set("mlflow.spanInputs", new { flight = "KX 204" });
        scene.Add(4, 1, "Completions", "CHAT_MODEL", Hour + 1500, Hour + 2500).Chat(Model, [new { role = "user", content = "Yes, please." }], new { role = "assistant", content = "Booked." });
        return scene;
    }
}
