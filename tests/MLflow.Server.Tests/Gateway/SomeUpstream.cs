using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MLflow.Server.Tests.Gateway;

/// <summary>A model on loopback that sends the bytes it is told to, right or wrong, and keeps what it was sent.</summary>
internal sealed class SomeUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<SomeUpstreamRequest> _requests = [];
    private readonly Task _accepting;

    public SomeUpstream()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Base => $"http://127.0.0.1:{Port}/v1";

    /// <summary>Answers a request; the connection is closed afterwards.</summary>
    public Func<SomeUpstreamRequest, Task> Answer { get; set; } = request => request.SendAsync(Ok("{}"));

    public IReadOnlyList<SomeUpstreamRequest> Requests
    {
        get
        {
            lock (_requests)
            {
                return [.. _requests];
            }
        }
    }

    public static string Ok(string body, string type = "application/json", string headers = "") => With("200 OK", body, type, headers);

    public static string With(string status, string body, string type = "application/json", string headers = "") =>
        $"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n{headers}\r\n{body}";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                serving.Add(ServeAsync(await _listener.AcceptSocketAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // It has been stopped.
        }

        await Task.WhenAll(serving);
    }

    private async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                var head = new List<byte>();
                var one = new byte[1];
                while (!EndsHead(head))
                {
                    if (await socket.ReceiveAsync(one, _stop.Token) == 0)
                    {
                        return;
                    }

                    head.Add(one[0]);
                }

                var text = Encoding.ASCII.GetString([.. head]);
                var headers = text.Split("\r\n").Skip(1).Where(line => line.Contains(':', StringComparison.Ordinal)).Select(line => line.Split(':', 2)).ToLookup(pair => pair[0].ToLowerInvariant(), pair => pair[1].Trim());
                var body = new byte[int.Parse(headers["content-length"].FirstOrDefault() ?? "0", System.Globalization.CultureInfo.InvariantCulture)];
                for (var at = 0; at < body.Length;)
                {
                    at += await socket.ReceiveAsync(body.AsMemory(at), _stop.Token);
                }

                var request = new SomeUpstreamRequest(socket, text.Split(' ')[1], headers, body, text, _stop.Token);
                lock (_requests)
                {
                    _requests.Add(request);
                }

                await Answer(request);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // The client has gone, or it has been stopped.
            }
        }
    }

    private static bool EndsHead(List<byte> head) => head is [.., (byte)'\r', (byte)'\n', (byte)'\r', (byte)'\n'];
}
