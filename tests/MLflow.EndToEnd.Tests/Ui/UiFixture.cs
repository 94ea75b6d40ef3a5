using System.Net.Http.Json;
using Google.Protobuf;
using Microsoft.Playwright;
using MLflow.Server;
using Xunit;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>A server with scenes in it, and Debian's Chromium.</summary>
public sealed class UiFixture : IAsyncLifetime
{
    // Debian's: without windows, which is much faster, or else with them.
    private static readonly string Chromium = new[] { "/usr/bin/chromium-headless-shell", "/usr/bin/chromium" }.FirstOrDefault(File.Exists) ?? "/usr/bin/chromium";


    private static readonly string[] Switches =
        ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlflow-ui-");
    private readonly HttpClient _client = new();
    private MlflowServer _server = null!;
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public Uri BaseAddress => _server.BaseAddress;

    public long ExperimentId { get; private set; }

    public long EmptyExperimentId { get; private set; }

    public IReadOnlyList<SceneTrace> Scenes { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        _server = await MlflowServer.StartAsync(new MlflowServerOptions
        {
            Port = 0,
            BackendStoreUri = "sqlite:///" + Path.Combine(_folder.FullName, "mlflow.db"),
            ArtifactsDestination = Path.Combine(_folder.FullName, "artifacts"),
        });
        _client.BaseAddress = _server.BaseAddress;
        ExperimentId = await CreateExperimentAsync("kite-production");
        EmptyExperimentId = await CreateExperimentAsync("openai-tracing-demo");
        Scenes = Ui.Scenes.Day(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        foreach (var scene in Scenes)
        {
            await SendAsync(scene, ExperimentId);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
        _client.Dispose();
        await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    public async Task<long> CreateExperimentAsync(string name)
    {
        using var response = await _client.PostAsJsonAsync(new Uri("api/2.0/mlflow/experiments/create", UriKind.Relative), new { name });
        response.EnsureSuccessStatusCode();
        var body = await response.Content.ReadFromJsonAsync<Dictionary<string, string>>();
        return long.Parse(body!["experiment_id"], System.Globalization.CultureInfo.InvariantCulture);
    }

    public Task SendAsync(SceneTrace scene, long experimentId) => SendAsync(_client, scene, experimentId);

    /// <summary>The same to any server.</summary>
    public static async Task SendAsync(Uri server, SceneTrace scene, long experimentId)
    {
        using var client = new HttpClient { BaseAddress = server };
        await SendAsync(client, scene, experimentId);
    }

    private static async Task SendAsync(HttpClient client, SceneTrace scene, long experimentId)
    {
        using var content = new ByteArrayContent(scene.ToRequest().ToByteArray());
        content.Headers.ContentType = new("application/x-protobuf");
        using var message = new HttpRequestMessage(HttpMethod.Post, "v1/traces") { Content = content };
        message.Headers.Add("x-mlflow-experiment-id", experimentId.ToString(System.Globalization.CultureInfo.InvariantCulture));
        using var spans = await client.SendAsync(message);
        spans.EnsureSuccessStatusCode();
        if (!scene.IsRunning)
        {
            using var info = await client.PostAsJsonAsync(new Uri("api/3.0/mlflow/traces", UriKind.Relative), scene.ToInfo(experimentId, scene.State));
            info.EnsureSuccessStatusCode();
        }
    }

    /// <summary>A page of its own context. Skips the test where there is no Chromium.</summary>
    public async Task<BrowserPage> OpenAsync(string path, int width = 1440, int height = 900, ColorScheme scheme = ColorScheme.Light, bool script = true, string locale = "en-GB")
    {
        var opened = await OpenAsync(BaseAddress, path, width, height, scheme, script, locale);
        if (script)
        {
            await opened.HasCircuitAsync();
        }

        return opened;
    }

    /// <summary>The same of any server, for pages that have no circuit, too.</summary>
    public async Task<BrowserPage> OpenAsync(Uri server, string path, int width = 1440, int height = 900, ColorScheme scheme = ColorScheme.Light, bool script = true, string locale = "en-GB")
    {
        Assert.SkipUnless(File.Exists(Chromium), $"{Chromium} is not installed; eng/setup.sh installs it.");
        _playwright ??= await Playwright.CreateAsync();

        // A busy machine may be slow; a test that waits for what never comes still ends.
        Assertions.SetDefaultExpectTimeout(60_000);
        _browser ??= await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Chromium, Args = Switches });
        var context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ColorScheme = scheme,
            BaseURL = server.ToString(),
            JavaScriptEnabled = script,
            IsMobile = width < 500,
            Locale = locale,
        });
        context.SetDefaultTimeout(60_000);
        var page = await context.NewPageAsync();
        var opened = new BrowserPage(page);
        await page.GotoAsync(path);
        return opened;
    }
}
