using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MLflow.Benchmarks.Gateway;

/// <summary>A connection on which the same call is made again and again, without a client library whose cost would be measured as well.</summary>
internal sealed class AskingConnection : IDisposable
{
    private const int BufferBytes = 256 * 1024;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _request;
    private readonly byte[] _buffer = new byte[BufferBytes];

    private AskingConnection(byte[] request) => _request = request;

    public static async Task<AskingConnection> OpenAsync(int port, string path, string body)
    {
        var connection = new AskingConnection(Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nAccept: application/json\r\nUser-Agent: OpenAI/2.15.0\r\nAuthorization: Bearer none\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}")));
        await connection._socket.ConnectAsync(IPAddress.Loopback, port);
        return connection;
    }

    /// <summary>On the calling thread, from the first byte sent to the last received.</summary>
    public void Ask()
    {
        _socket.Send(_request);
        var have = 0;
        do
        {
            have += Received(_socket.Receive(_buffer.AsSpan(have)));
        }
        while (!IsWhole(have));
    }

    public async Task AskAsync()
    {
        await _socket.SendAsync(_request);
        var have = 0;
        do
        {
            have += Received(await _socket.ReceiveAsync(_buffer.AsMemory(have)));
        }
        while (!IsWhole(have));
    }

    public void Dispose() => _socket.Dispose();

    private static int Received(int bytes) => bytes > 0 ? bytes : throw new InvalidOperationException("The connection was closed before the answer's end.");

    private bool IsWhole(int have)
    {
        if (HttpText.Length(_buffer.AsSpan(0, have)) is not { } length || have < length)
        {
            return false;
        }

        return _buffer.AsSpan().StartsWith("HTTP/1.1 200 "u8) ? true : throw new InvalidOperationException("Answered: " + Encoding.UTF8.GetString(_buffer, 0, have));
    }
}
