using System.Reflection;
using System.Text;

namespace MLflow.Server.Ui;

/// <summary>The files of the web UI by name; style sheets are one file, in the order of their names.</summary>
internal sealed class UiAssets
{
    private const string Prefix = "ui/";
    private const string StylePrefix = "ui/css/";
    private readonly Dictionary<string, UiAsset> _assets = new(StringComparer.Ordinal);

    public UiAssets()
    {
        var assembly = typeof(UiAssets).Assembly;
        var names = assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        var styles = string.Join('\n', names.Where(name => name.StartsWith(StylePrefix, StringComparison.Ordinal)).Select(name => Encoding.UTF8.GetString(Read(assembly, name))));
        _assets["app.css"] = new UiAsset("text/css; charset=utf-8", Encoding.UTF8.GetBytes(styles));
        foreach (var name in names.Where(name => !name.StartsWith(StylePrefix, StringComparison.Ordinal)))
        {
            _assets[name[Prefix.Length..]] = new UiAsset(ContentType(name), Read(assembly, name));
        }
    }

    /// <summary>A file that is there.</summary>
    public UiAsset this[string name] => _assets[name];

    /// <summary>Relative address of a file, with its version: it may be cached for ever.</summary>
    public string Url(string name) => $"assets/{name}?v={_assets[name].Version}";

    public async Task ServeAsync(HttpContext context, string name)
    {
        var response = context.Response;
        if (!_assets.TryGetValue(name, out var asset))
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        response.Headers.ETag = asset.ETag;
        response.Headers.Vary = "Accept-Encoding";
        response.Headers.CacheControl = context.Request.Query["v"] == asset.Version ? "public, max-age=31536000, immutable" : "no-cache";
        if (context.Request.Headers.IfNoneMatch.Contains(asset.ETag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        var body = asset.Content;
        if (context.Request.Headers.AcceptEncoding.ToString().Contains("br", StringComparison.OrdinalIgnoreCase))
        {
            response.Headers.ContentEncoding = "br";
            body = asset.Brotli;
        }

        response.ContentType = asset.ContentType;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    private static byte[] Read(Assembly assembly, string name)
    {
        using var source = assembly.GetManifestResourceStream(name)!;
        using var target = new MemoryStream();
        source.CopyTo(target);
        return target.ToArray();
    }

    private static string ContentType(string name) => Path.GetExtension(name) switch
    {
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
}
