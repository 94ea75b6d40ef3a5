namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>What a travel helper does on a day: enough of each kind to look at.</summary>
internal static class Scenes
{
    private const string Model = "gpt-4o-mini";

    private const string SystemText = "You are Kite, the travel helper of Contoso Air. Answer in the language of the customer. Use the tools for anything about weather or bookings and never guess a figure.";

    private const string WeatherText = "New York is hotter right now: **31 °C** and sunny, against **22 °C** and light rain in Paris.\n\nPack an umbrella for Paris, where showers are expected until about 18:00. New York stays dry through tomorrow, so sunscreen will serve you better there.";

    private const string JapaneseText = "明日は大阪のほうが暑く、最高気温は**33℃**の予報です。東京は**29℃**で、午後から雨になる見込みです（降水確率70%）。\n\n東京へお出かけなら傘をお持ちください。大阪では傘より日傘と水分補給のほうが役に立ちそうです。";

    private static readonly object WeatherTool = Tool("get_weather", new { type = "object", properties = new { city = new { type = "string" }, unit = new { type = "string", @enum = new[] { "celsius", "fahrenheit" } } }, required = new[] { "city" } });

    private static readonly object AddressTool = Tool("update_address", new { type = "object", properties = new { order_id = new { type = "string" }, zip = new { type = "string" }, city = new { type = "string" } }, required = new[] { "order_id" } });

    private static readonly object OrderTool = Tool("get_order", new { type = "object", properties = new { order_id = new { type = "string" } }, required = new[] { "order_id" } });

    /// <summary>An agent, two tools side by side, a retried call and a streamed answer.</summary>
    public static SceneTrace Weather(long startMs)
    {
        const string question = "Is it hotter in Paris or New York right now, and do I need an umbrella?";
        var trace = new SceneTrace(1, startMs) { Session = "s-4f21", User = "mika@contoso", Tags = { ["env"] = "production" } };
        object[] prompt = [new { role = "system", content = SystemText }, new { role = "user", content = question }];
        object asks = new { role = "assistant", content = (string?)null, tool_calls = new[] { Call("call_1", "get_weather", """{"city":"Paris","unit":"celsius"}"""), Call("call_2", "get_weather", """{"city":"New York","unit":"celsius"}""") } };
        trace.Add(1, 0, "RunToolAgentAsync", "AGENT", 0, 3418).Set("mlflow.spanInputs", new { question }).Set("mlflow.spanOutputs", WeatherText);
        trace.Add(2, 1, "Completions", "CHAT_MODEL", 6, 1046).Chat(Model, prompt, asks, "tool_calls", new[] { WeatherTool }).Usage(1412, 47)
            .Event("mlflow.openai.attempt", 0, ("attempt", 1), ("duration_ms", 112.0), ("http.response.status_code", 429), ("openai.request_id", "req_0d6e1b7f35c24a1e"), ("retry_after_ms", 250.0), ("x-ratelimit-remaining-tokens", "0"))
            .Event("mlflow.openai.attempt", 362, ("attempt", 2), ("duration_ms", 678.0), ("http.response.status_code", 200), ("openai.request_id", "req_c6af0a933c9342be"), ("x-ratelimit-remaining-tokens", "198588"));
        trace.Add(3, 1, "get_weather", "TOOL", 1050, 1462).Set("mlflow.spanInputs", new { city = "Paris", unit = "celsius" }).Set("mlflow.spanOutputs", new { city = "Paris", temp_c = 22, sky = "light rain", rain_until = "18:00" });
        trace.Add(4, 1, "get_weather", "TOOL", 1051, 1986).Set("mlflow.spanInputs", new { city = "New York", unit = "celsius" }).Set("mlflow.spanOutputs", new { city = "New York", temp_c = 31, sky = "sunny", rain_chance_24h = 0.04 });
        trace.Add(5, 4, "Geocode", "UNKNOWN", 1058, 1590).Set("mlflow.spanInputs", new { query = "New York" }).Set("mlflow.spanOutputs", new { lat = 40.7128, lon = -74.006 });
        object[] whole =
        [
            .. prompt, asks,
            new { role = "tool", tool_call_id = "call_1", content = """{"city":"Paris","temp_c":22,"sky":"light rain","rain_until":"18:00"}""" },
            new { role = "tool", tool_call_id = "call_2", content = """{"city":"New York","temp_c":31,"sky":"sunny","rain_chance_24h":0.04}""" },
        ];
        trace.Add(6, 1, "Completions", "CHAT_MODEL", 1990, 3412).Chat(Model, whole, new { role = "assistant", content = WeatherText }, "stop", new[] { WeatherTool })
            .Usage(1531, 63, 1408).Stream(WeatherText, 604, 1414, 184);
        return trace;
    }

    /// <summary>A wrong argument, two retries and a stream that the server cut.</summary>
    public static SceneTrace Broken(long startMs, int number = 2)
    {
        const string question = "Where is my order 4471, and can you still change the address to 75011 Paris?";
        const string answer = "Your order 4471 left our warehouse in Lyon this morning and is due on Thursday. I could not change the";
        const string stack = "   at System.Net.Http.HttpConnection.FillAsync(Boolean async)\n   at OpenAI.Chat.ChatClient.CompleteChatStreamingAsync()\n   at KiteAgent.AnswerAsync(String question) in Agents/KiteAgent.cs:line 88\n   at KiteAgent.RunToolAgentAsync(String question) in Agents/KiteAgent.cs:line 41";
        var trace = new SceneTrace(number, startMs) { Session = "s-4e90", User = "jules@contoso", Tags = { ["env"] = "production" } };
        object[] prompt = [new { role = "system", content = SystemText }, new { role = "user", content = question }];
        object asks = new { role = "assistant", content = (string?)null, tool_calls = new[] { Call("call_1", "get_order", """{"order_id":"4471"}"""), Call("call_2", "update_address", """{"order_id":"4471","zip":75011,"city":"Paris"}""") } };
        var tools = new[] { OrderTool, AddressTool };
        trace.Add(1, 0, "RunToolAgentAsync", "AGENT", 0, 4126).Set("mlflow.spanInputs", new { question })
            .Fails("System.Net.Http.HttpIOException", "The response ended prematurely. (ResponseEnded)", stack, 4125);
        trace.Add(2, 1, "Completions", "CHAT_MODEL", 5, 1121).Chat(Model, prompt, asks, "tool_calls", tools).Usage(1438, 64);
        trace.Add(3, 1, "get_order", "TOOL", 1126, 1498).Set("mlflow.spanInputs", new { order_id = "4471" }).Set("mlflow.spanOutputs", new { order_id = "4471", state = "shipped", from = "Lyon", due = "2026-11-26" });
        trace.Add(4, 1, "update_address", "TOOL", 1127, 1139).Set("mlflow.spanInputs", new { order_id = "4471", zip = 75011, city = "Paris" })
            .Fails("System.ArgumentException", "zip is a number, the schema says string", "   at KiteTools.UpdateAddress(JsonElement arguments) in Tools/Address.cs:line 17", 12);
        trace.Add(5, 1, "FindPolicy", "RETRIEVER", 1502, 1688).Set("mlflow.spanInputs", new { query = "address change" }).Set("mlflow.spanOutputs", new[] { new { page_content = "Addresses can be changed until the parcel leaves the warehouse.", metadata = new { doc_uri = "policy/address" } } });
        object[] whole =
        [
            .. prompt, asks,
            new { role = "tool", tool_call_id = "call_1", content = """{"order_id":"4471","state":"shipped","from":"Lyon","due":"2026-11-26"}""" },
            new { role = "tool", tool_call_id = "call_2", content = """{"error":"ArgumentException","message":"zip: expected string, got number"}""" },
        ];
        trace.Add(6, 1, "Completions", "CHAT_MODEL", 1692, 4120).Chat(Model, whole, new { role = "assistant", content = answer }, null, tools).Usage(1604, 21, 1408)
            .Event("mlflow.openai.attempt", 0, ("attempt", 1), ("duration_ms", 118.0), ("http.response.status_code", 429), ("openai.request_id", "req_5b1e0c7b7d1f4c8e"), ("retry_after_ms", 580.0))
            .Event("mlflow.openai.attempt", 698, ("attempt", 2), ("duration_ms", 114.0), ("http.response.status_code", 500), ("openai.request_id", "req_77aa31c1b0f945d2"))
            .Event("mlflow.openai.attempt", 1238, ("attempt", 3), ("duration_ms", 1190.0), ("http.response.status_code", 200), ("openai.request_id", "req_e91f20ab6c3348b0"))
            .Stream(answer, 1980, 2428, 120, null).Set("mlflow.stream.end", "truncated")
            .Fails("System.Net.Http.HttpIOException", "The response ended prematurely. (ResponseEnded)", stack, 2428);
        return trace;
    }

    /// <summary>A conversation in Japanese.</summary>
    public static SceneTrace Japanese(long startMs)
    {
        const string question = "明日の東京と大阪、どちらが暑いですか。傘は必要でしょうか。";
        var trace = new SceneTrace(3, startMs) { Session = "s-5120", User = "sato@contoso" };
        object[] prompt = [new { role = "system", content = SystemText }, new { role = "user", content = question }];
        object asks = new { role = "assistant", content = (string?)null, tool_calls = new[] { Call("call_1", "get_weather", """{"city":"東京"}"""), Call("call_2", "get_weather", """{"city":"大阪"}""") } };
        trace.Add(1, 0, "RunToolAgentAsync", "AGENT", 0, 2874).Set("mlflow.spanInputs", new { question }).Set("mlflow.spanOutputs", JapaneseText);
        trace.Add(2, 1, "Completions", "CHAT_MODEL", 6, 812).Chat(Model, prompt, asks, "tool_calls", new[] { WeatherTool }).Usage(1455, 52);
        trace.Add(3, 1, "get_weather", "TOOL", 816, 1208).Set("mlflow.spanInputs", new { city = "東京" }).Set("mlflow.spanOutputs", new { city = "東京", high_c = 29, sky = "曇りのち雨", rain = 0.7 });
        trace.Add(4, 1, "get_weather", "TOOL", 817, 1341).Set("mlflow.spanInputs", new { city = "大阪" }).Set("mlflow.spanOutputs", new { city = "大阪", high_c = 33, sky = "晴れ", rain = 0.1 });
        object[] whole =
        [
            .. prompt, asks,
            new { role = "tool", tool_call_id = "call_1", content = """{"city":"東京","high_c":29,"sky":"曇りのち雨","rain":0.7}""" },
            new { role = "tool", tool_call_id = "call_2", content = """{"city":"大阪","high_c":33,"sky":"晴れ","rain":0.1}""" },
        ];
        trace.Add(5, 1, "Completions", "CHAT_MODEL", 1346, 2868).Chat(Model, whole, new { role = "assistant", content = JapaneseText }, "stop", new[] { WeatherTool })
            .Usage(1531, 118, 1408).Stream(JapaneseText, 531, 1520);
        return trace;
    }

    /// <summary>The app stopped reading.</summary>
    public static SceneTrace Stopped(long startMs)
    {
        const string text = "The bicycle did not arrive all at once. In 1817, Karl von Drais rolled his";
        var trace = new SceneTrace(4, startMs) { User = "leo@contoso" };
        trace.Add(1, 0, "Completions", "CHAT_MODEL", 0, 3100).Chat("gpt-4o", [new { role = "user", content = "Write a short history of the bicycle in 900 words" }], new { role = "assistant", content = text }, null)
            .Usage(61, 42).Stream(text, 560, 3080, 0, null).Set("mlflow.stream.end", "abandoned");
        return trace;
    }

    /// <summary>Still going on: a tool has not come back.</summary>
    public static SceneTrace Running(long startMs)
    {
        const string question = "Compare the refund rules of the two fares in my basket";
        var trace = new SceneTrace(5, startMs) { User = "ana@contoso", IsRunning = true };
        object asks = new { role = "assistant", content = (string?)null, tool_calls = new[] { Call("call_1", "get_fare_rules", """{"fare":"YLOW"}""") } };
        trace.Add(1, 0, "RunToolAgentAsync", "AGENT", 0, null).Set("mlflow.spanInputs", new { question });
        trace.Add(2, 1, "Completions", "CHAT_MODEL", 4, 960).Chat(Model, [new { role = "user", content = question }], asks, "tool_calls").Usage(1455, 31);
        trace.Add(3, 1, "get_fare_rules", "TOOL", 965, null).Set("mlflow.spanInputs", new { fare = "YLOW" });
        return trace;
    }

    /// <summary>A key that was refused.</summary>
    public static SceneTrace Refused(long startMs)
    {
        var trace = new SceneTrace(6, startMs) { User = "qa-suite" };
        trace.Add(1, 0, "Completions", "CHAT_MODEL", 0, 212).Chat(Model, [new { role = "user", content = "Hello, how are you?" }], null)
            .Event("mlflow.openai.attempt", 0, ("attempt", 1), ("duration_ms", 205.0), ("http.response.status_code", 401), ("openai.request_id", "req_91b7"))
            .Fails("System.ClientModel.ClientResultException", "HTTP 401 (invalid_request_error: invalid_api_key)\n\nIncorrect API key provided: sk-bad.", "   at OpenAI.Chat.ChatClient.CompleteChat()\n   at Program.<Main>$(String[] args) in app.cs:line 7", 210);
        return trace;
    }

    /// <summary>A conversation of 25 calls, the last with a prompt of 50 messages.</summary>
    public static SceneTrace Long(int number, long startMs)
    {
        var trace = new SceneTrace(number, startMs);
        trace.Add(1, 0, "Conversation", "AGENT", 0, 26_000);
        var messages = new List<object> { new { role = "system", content = SystemText } };
        for (var i = 1; i <= 25; i++)
        {
            messages.Add(new { role = "user", content = $"Question {i} of a long conversation about fares, seats and refunds?" });
            object answer = new { role = "assistant", content = $"The answer to question {i}.\n\n" + string.Concat(Enumerable.Repeat("It has a few sentences, as answers have. ", 4)) };
            trace.Add(i + 1, 1, "Completions", "CHAT_MODEL", i * 1000, i * 1000 + 900).Chat(Model, [.. messages], answer).Usage(1200 + i * 90, 40, 1152);
            messages.Add(answer);
        }

        return trace;
    }

    /// <summary>An agent of many steps, ten deep.</summary>
    public static SceneTrace Large(int number, long startMs, int steps)
    {
        var trace = new SceneTrace(number, startMs);
        trace.Add(1, 0, "LargeRun", "AGENT", 0, steps * 10).Set("mlflow.spanInputs", new { question = "How large?" });
        for (var i = 2; i <= steps; i++)
        {
            trace.Add(i, i % 10 == 2 ? 1 : i - 1, $"step_{i}", "TOOL", i * 9, i * 9 + 8).Set("mlflow.spanInputs", new { i });
        }

        return trace;
    }

    /// <summary>Every kind of part that a message can have.</summary>
    public static SceneTrace Media(int number, long startMs)
    {
        var trace = new SceneTrace(number, startMs);
        object[] content =
        [
            new { type = "input_text", text = "What does this say, and what does it cost?" },
            new { type = "input_image", image_url = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==" },
            new { type = "input_audio", input_audio = new { data = Silence(), format = "wav" } },
            new { type = "input_file", filename = "fares.pdf", file_data = "data:application/pdf;base64,JVBERi0xLjQ=" },
            new { type = "hologram", size = 3 },
        ];
        object[] output =
        [
            new { type = "reasoning", summary = new[] { new { type = "summary_text", text = "Compare both fares before answering." } } },
            new { type = "web_search_call", status = "completed", action = new { type = "search", query = "contoso air fares" } },
            new { type = "message", role = "assistant", content = new object[]
            {
                new { type = "output_text", text = "The YLOW fare costs **120 €**.", annotations = new[] { new { type = "url_citation", url = "https://example.com/fares", title = "Fares of Contoso Air" } } },
                new { type = "refusal", refusal = "I cannot rebook without your consent." },
            } },
        ];
        trace.Add(1, 0, "Responses", "CHAT_MODEL", 0, 1900).Set("mlflow.spanInputs", new { model = Model, input = new[] { new { role = "user", content } } })
            .Set("mlflow.llm.model", Model).Set("mlflow.spanOutputs", new { id = "resp_1", @object = "response", output }).Usage(900, 60);
        return trace;
    }

    // A tenth of a second of silence: a WAV file of 8,000 samples a second.
    private static string Silence()
    {
        using var file = new MemoryStream();
        using var writer = new BinaryWriter(file);
        writer.Write("RIFF"u8);
        writer.Write(36 + 800);
        writer.Write("WAVEfmt "u8);
        writer.Write(16);
        writer.Write((short)1);
        writer.Write((short)1);
        writer.Write(8000);
        writer.Write(8000);
        writer.Write((short)1);
        writer.Write((short)8);
        writer.Write("data"u8);
        writer.Write(800);
        writer.Write(Enumerable.Repeat((byte)128, 800).ToArray());
        return Convert.ToBase64String(file.ToArray());
    }

    /// <summary>One short call.</summary>
    public static SceneTrace Short(int number, long startMs, string user, string question, string answer, double ms, int input, int output, double? firstMs = null, string model = Model)
    {
        var trace = new SceneTrace(number, startMs) { User = user };
        var span = trace.Add(1, 0, "Completions", "CHAT_MODEL", 0, ms).Chat(model, [new { role = "user", content = question }], new { role = "assistant", content = answer }).Usage(input, output);
        if (firstMs is { } first)
        {
            span.Stream(answer, first, ms - 2);
        }

        return trace;
    }

    /// <summary>Everything, the newest last.</summary>
    public static IReadOnlyList<SceneTrace> Day(long now) =>
    [
        Short(21, now - 880_000, "alice@contoso", "Where is my name in this booking? My name is Alice", "Your name is Alice. How can I assist you further?", 902, 38, 12, 380),
        Short(20, now - 790_000, "qa-suite", "What is Brandon’s favorite color?", "Brandon’s favorite color is red.", 1960, 356, 22, 1490),
        Short(19, now - 760_000, "mika@contoso", "Hello, how are you?", "Ahoy there, matey! I be feelin’ shipshape and ready to sail the seas of knowledge with ye!", 1190, 28, 33, 400),
        Short(18, now - 640_000, "ana@contoso", "Write and then review a small paragraph on AI until it is amazing", "Artificial Intelligence is a groundbreaking technology that blends computer science, mathematics and engineering to build machines that learn.", 11_800, 2371, 1098, 5200, "gpt-4.1-mini"),
        Short(17, now - 590_000, "leo@contoso", "Analyze this text briefly: Artificial intelligence is transforming industries worldwide.", "The text highlights the significant impact of artificial intelligence on global industries, noting that organisations change how they work.", 2240, 41, 77, 420),
        Refused(now - 520_000),
        Short(16, now - 480_000, "qa-suite", "What is 127 multiplied by 49?", "127 multiplied by 49 is 6223.", 1390, 144, 32, 1010),
        Stopped(now - 440_000),
        Short(15, now - 400_000, "ana@contoso", "What color is this image?", "The image is a solid shade of red.", 1710, 8522, 9, 860),
        Short(14, now - 330_000, "batch-7", "What is the population of Tokyo? Return your structured output in JSON format", """{"summary":{"population_city_proper":14000000,"population_metropolitan_area":37000000},"confidence":0.9}""", 1200, 276, 61),
        Broken(now - 280_000),
        Weather(now - 150_000),
        Japanese(now - 90_000),
        Running(now - 2_100),
    ];

    private static object Tool(string name, object parameters) => new { type = "function", function = new { name, parameters } };

    private static object Call(string id, string name, string arguments) => new { id, type = "function", function = new { name, arguments } };
}
